import { describe, expect, test } from "vitest";

import { stepCell } from "../../../../broker/cell/cell.machine.ts";
import { settled, stateOf, controller, others, until, fence } from "./cell-scenes.ts";
import { addTopic, controllerOf, partitionsOf, pass, stopBroker } from "./cell-world.ts";
import type { Node } from "./cell-world.ts";

describe("a broker that shall stop", () => {
  test("is relieved of its leaderships before it ends, and nothing is without a leader", () => {
    const world = settled({ brokers: 4 });
    addTopic(world, { name: "t", partitionCount: 40, replicationFactor: 3 });
    const [leaving] = others(world) as [Node];
    let leaderlessAtAnyTime = 0;
    stopBroker(world, leaving);
    const tookMs = until(world, () => {
      leaderlessAtAnyTime += world.head.leaderlessCount;
      return leaving.stoppedFor !== null;
    });
    expect(leaving.stoppedFor).toBe("drained");
    expect(tookMs).toBeLessThan(4_000);
    expect(leaderlessAtAnyTime).toBe(0);
    expect(stateOf(world, leaving)).toBe("fenced");
    for (const { isr } of partitionsOf(world)) expect(isr).not.toContain(leaving.brokerId);
  });

  test("as controller is drained too, and the office passes on", () => {
    const world = settled({ brokers: 3 });
    addTopic(world, { name: "t", partitionCount: 10, replicationFactor: 3 });
    const before = controller(world);
    stopBroker(world, before);
    expect(until(world, () => before.stoppedFor !== null)).toBeLessThan(4_000);
    expect(until(world, () => controllerOf(world) !== undefined)).toBeLessThan(2_000);
    expect(world.head.leaderlessCount).toBe(0);
  });

  test("waits for a replica that may still catch up, but not for ever", () => {
    const world = settled({ brokers: 3 });
    const brokerIds = world.nodes.map(({ brokerId }) => brokerId);
    addTopic(world, { name: "t", assignments: [{ index: 0, brokerIds }] });
    const [lagging, leaving] = others(world) as [Node, Node];
    fence(world, lagging);
    pass(world, 10_000);
    expect(partitionsOf(world)[0]?.isr).toHaveLength(2);
    stopBroker(world, leaving);
    const tookMs = until(world, () => leaving.stoppedFor !== null, 200_000);
    expect(tookMs).toBeGreaterThanOrEqual(100_000);
    expect(tookMs).toBeLessThan(103_000);
    expect(partitionsOf(world)[0]?.elr).toEqual([leaving.brokerId]);
  });

  test("does not wait for what nobody could take over", () => {
    const world = settled({ brokers: 3 });
    const [leaving] = others(world) as [Node];
    const assignments = [{ index: 0, brokerIds: [leaving.brokerId] }];
    addTopic(world, { name: "alone", assignments });
    stopBroker(world, leaving);
    expect(until(world, () => leaving.stoppedFor !== null)).toBeLessThan(3_000);
    expect(partitionsOf(world)[0]).toMatchObject({ leader: -1, elr: [leaving.brokerId] });
  });

  test("is not told to end for what became of its former life", () => {
    const world = settled({ brokers: 3 });
    const [leaving] = others(world) as [Node];
    fence(world, leaving);
    const { state, image } = controller(world);
    until(world, () => image.brokers.get(leaving.brokerId)?.state === "fenced");
    const formerEpoch = image.brokers.get(leaving.brokerId)?.epoch ?? -1;
    const answerTo = (brokerEpoch: number) => {
      const heartbeat = {
        brokerId: leaving.brokerId,
        brokerEpoch,
        counter: 10_000,
        metadataRevision: image.revision,
        wantsShutDown: true,
        logReadAgeMs: 0,
      };
      const report = { ends: [], loads: [] };
      const event = { type: "heartbeatReceived", replyTo: 1, heartbeat, report } as const;
      return stepCell(state, event, { image, nowMs: world.nowMs }).find(
        ({ type }) => type === "answerHeartbeat",
      );
    };
    const shutDown = { isFenced: true, shouldShutDown: true };
    expect(answerTo(formerEpoch)).toMatchObject({ answer: shutDown });
    // Registered since; the controller has not read so far.
    const goOn = { isFenced: false, shouldShutDown: false };
    expect(answerTo(formerEpoch + 100)).toMatchObject({ answer: goOn });
  });

  test("ends at once where all of the cell stop, or where it is alone", () => {
    const cell = settled({ brokers: 3 });
    addTopic(cell, { name: "t", partitionCount: 10, replicationFactor: 3 });
    for (const node of cell.nodes) stopBroker(cell, node);
    expect(
      until(cell, () => cell.nodes.every(({ stoppedFor }) => stoppedFor !== null)),
    ).toBeLessThan(3_000);
    const alone = settled({ brokers: 1 });
    stopBroker(alone, alone.nodes[0] as Node);
    expect(alone.nodes[0]?.stoppedFor).toBe("drained");
  });
});
