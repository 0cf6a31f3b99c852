import { describe, expect, test } from "vitest";

import { cellRules } from "../../../../broker/cell/cell-config.ts";
import { accepted } from "../../../../metadata/commands/command.ts";
import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import { imageProblems } from "../../../../metadata/image/image-checker.ts";
import {
  addBroker,
  addTopic,
  commandAtHead,
  controllerOf,
  createCellWorld,
  cut,
  kill,
  nodeOf,
  partitionsOf,
  pass,
  pause,
  resume,
  startBroker,
  step,
  stopBroker,
} from "./cell-world.ts";
import type { CellWorld, Node, WorldOptions } from "./cell-world.ts";

/** A cell that has had its controller for longer than a session. */
function settled(options: WorldOptions): CellWorld {
  const world = createCellWorld(options);
  pass(world, 12_000);
  return world;
}

function stateOf(world: CellWorld, node: Node): string | undefined {
  return world.head.brokers.get(node.brokerId)?.state;
}

function controller(world: CellWorld): Node {
  const node = controllerOf(world);
  if (node === undefined) throw new Error("there is no controller");
  return node;
}

function others(world: CellWorld): Node[] {
  return world.nodes.filter((node) => node !== controllerOf(world));
}

/** How long until something is so, from now. */
function until(world: CellWorld, isSo: () => boolean, limitMs = 120_000): number {
  const fromMs = world.nowMs;
  const atMs = pass(world, limitMs, isSo);
  return atMs === null ? Infinity : atMs - fromMs;
}

describe("the office of controller", () => {
  test("is taken at once by the first broker of a cell", () => {
    const world = createCellWorld({ brokers: 1 });
    expect(until(world, () => controllerOf(world) !== undefined)).toBeLessThan(500);
  });

  test("has one holder among brokers that start together, and nobody is fenced while all is well", () => {
    const world = createCellWorld({ brokers: 5 });
    pass(world, 120_000);
    expect(world.head.controller.epoch).toBe(1);
    expect(world.nodes.map((node) => stateOf(world, node))).toEqual(Array(5).fill("active"));
    expect(world.nodes.filter(({ state }) => state.office !== null)).toHaveLength(1);
  });

  test("passes on within a second when its process is killed, and the holder is fenced with it", () => {
    const world = settled({ brokers: 3 });
    const before = controller(world);
    kill(world, before);
    expect(until(world, () => controllerOf(world) !== undefined)).toBeLessThan(1_000);
    expect(stateOf(world, before)).toBe("fenced");
    expect(world.head.controller.epoch).toBe(2);
  });

  test("passes on in a large cell too, where others notice a moment later", () => {
    const world = settled({ brokers: 9 });
    kill(world, controller(world));
    expect(until(world, () => controllerOf(world) !== undefined)).toBeLessThan(2_000);
  });

  test("passes on a session and two seconds after its host is lost", () => {
    const world = settled({ brokers: 3 });
    kill(world, controller(world), { isHost: true });
    const tookMs = until(world, () => controllerOf(world) !== undefined);
    expect(tookMs).toBeGreaterThan(6_000);
    expect(tookMs).toBeLessThan(11_000);
  });

  test("stays where most brokers hear its holder, whoever does not", () => {
    const world = settled({ brokers: 5 });
    const before = controller(world);
    const [deaf] = others(world);
    cut(world, before, deaf as Node);
    pass(world, 60_000);
    expect(controllerOf(world)).toBe(before);
    expect(stateOf(world, deaf as Node)).toBe("fenced");
  });

  test("is left alone by a broker that is cut off from everybody but the log, while the others work on", () => {
    const world = settled({ brokers: 4 });
    const before = controller(world);
    const [lonely] = others(world);
    for (const other of world.nodes) if (other !== lonely) cut(world, lonely as Node, other);
    for (let second = 0; second < 60; second++) {
      // Their decisions are in the log.
      addTopic(world, { name: `t${second}`, partitionCount: 3, replicationFactor: 3 });
      const active = world.nodes.find(
        (node) => stateOf(world, node) === "active" && node !== before,
      );
      if (second % 10 === 9 && active !== undefined) restart(world, active);
      pass(world, 1_000);
    }
    expect(controllerOf(world)).toBe(before);
  });

  test("is taken after three sessions by a broker whom nobody answers, and at once where all are refused", () => {
    for (const [isHost, atLeastMs, atMostMs] of [
      [true, 27_000, 33_000],
      [false, 0, 4_000],
    ] as const) {
      const world = settled({ brokers: 3 });
      const [one] = others(world);
      for (const node of world.nodes) kill(world, node, { isHost });
      pass(world, 1_000);
      startBroker(world, one as Node);
      const tookMs = until(world, () => controllerOf(world) === one);
      expect(tookMs).toBeGreaterThanOrEqual(atLeastMs);
      expect(tookMs).toBeLessThan(atMostMs);
    }
  });

  test("is not taken by a fenced broker while one in service answers", () => {
    const world = settled({ brokers: 3 });
    const before = controller(world);
    const [fenced, active] = others(world) as [Node, Node];
    fence(world, fenced);
    pass(world, 30);
    kill(world, before);
    until(world, () => controllerOf(world) !== undefined);
    expect(controllerOf(world)).toBe(active);
  });

  test("goes from a holder that cannot read the log to a broker that can", () => {
    const world = settled({ brokers: 3 });
    const before = controller(world);
    before.canReadLog = false;
    expect(
      until(world, () => controllerOf(world) !== undefined && controllerOf(world) !== before),
    ).toBeLessThan(25_000);
  });

  test("is vacant after its holder has registered anew, and taken at once", () => {
    const world = settled({ brokers: 3 });
    const before = controller(world);
    restart(world, before);
    expect(world.head.controller.brokerId).toBeNull();
    expect(until(world, () => controllerOf(world) !== undefined)).toBeLessThan(1_000);
  });

  test("is taken without asking where the rule is broken: the test of the test", () => {
    const rules = { ...cellRules, asksBeforeTakeover: false };
    const world = settled({ brokers: 5, config: { rules } });
    const before = controller(world);
    cut(world, before, others(world)[0] as Node);
    pass(world, 60_000);
    expect(world.head.controller.epoch).toBeGreaterThan(1);
  });
});

function restart(world: CellWorld, node: Node): void {
  kill(world, node);
  startBroker(world, node);
}

function fence(world: CellWorld, { brokerId }: Node): void {
  const brokerEpoch = world.head.brokers.get(brokerId)?.epoch ?? -1;
  const brokers = [{ brokerId, brokerEpoch }];
  commandAtHead(world, (image, context) => fenceBrokers(image, { brokers }, context));
}

describe("fencing", () => {
  test("comes within a second to a process that is killed, and its partitions have new leaders", () => {
    const world = settled({ brokers: 4 });
    addTopic(world, { name: "t", partitionCount: 50, replicationFactor: 3 });
    const [dead] = others(world) as [Node];
    kill(world, dead);
    expect(until(world, () => stateOf(world, dead) === "fenced")).toBeLessThan(1_000);
    for (const { leader, isr } of partitionsOf(world)) {
      expect([leader, ...isr]).not.toContain(dead.brokerId);
      expect(leader).not.toBe(-1);
    }
  });

  test("comes to a lost host after a session, not before", () => {
    const world = settled({ brokers: 4 });
    const [dead] = others(world) as [Node];
    kill(world, dead, { isHost: true });
    const tookMs = until(world, () => stateOf(world, dead) === "fenced");
    expect(tookMs).toBeGreaterThan(6_500);
    expect(tookMs).toBeLessThan(11_000);
  });

  test("waits out the session where somebody answers at the endpoint of a closed connection", () => {
    const world = settled({ brokers: 3 });
    const [quiet] = others(world) as [Node];
    pause(quiet);
    step(world, controller(world), {
      type: "connectionClosed",
      brokerId: quiet.brokerId,
      side: "theirs",
    });
    expect(until(world, () => stateOf(world, quiet) === "fenced")).toBeGreaterThan(6_500);
  });

  test("does not touch a broker that is back within the session", () => {
    const world = settled({ brokers: 3 });
    const [brief] = others(world) as [Node];
    kill(world, brief, { isHost: true });
    pass(world, 4_000);
    startBroker(world, brief);
    pass(world, 30_000);
    expect(stateOf(world, brief)).toBe("active");
    expect(controller(world).submitted).not.toContain("fence");
  });

  test("by a new controller waits until it has listened for a session itself", () => {
    const world = settled({ brokers: 5 });
    const before = controller(world);
    const [dead] = others(world) as [Node];
    kill(world, before);
    kill(world, dead);
    until(world, () => controllerOf(world) !== undefined);
    const tookMs = until(world, () => stateOf(world, dead) === "fenced");
    expect(tookMs).toBeGreaterThanOrEqual(9_000);
    expect(tookMs).toBeLessThan(10_500);
  });

  test.each([
    ["a controller that stood still holds nothing it has not heard against anybody", true, 0],
    ["without that rule it fences brokers that only waited for it", false, 1],
  ])("%s", (_, listensBeforeFencing, atLeast) => {
    const rules = { ...cellRules, listensBeforeFencing, asksBeforeTakeover: true };
    // Nobody else may take over in the meantime: all that is looked at is what the controller does.
    const world = settled({ brokers: 3, config: { rules, voteTimeoutMs: 60_000 } });
    const before = controller(world);
    for (const node of others(world)) node.state.nextCandidacyMs = Infinity;
    pause(before);
    pass(world, 15_000);
    const shots = before.submitted.length;
    resume(world, before);
    pass(world, 2_000);
    const fences = before.submitted.slice(shots).filter((name) => name === "fence");
    expect(fences.length).toBeGreaterThanOrEqual(atLeast);
    if (atLeast === 0) expect(fences).toEqual([]);
  });

  test("by a controller that was replaced while it stood still is refused by the log", () => {
    const world = settled({ brokers: 4 });
    const before = controller(world);
    pause(before);
    until(world, () => controllerOf(world) !== before && controllerOf(world) !== undefined);
    pass(world, 5_000);
    const states = world.nodes.map((node) => node !== before && stateOf(world, node));
    resume(world, before);
    pass(world, 20_000);
    expect(before.state.office).toBeNull();
    expect(world.nodes.map((node) => node !== before && stateOf(world, node))).toEqual(states);
    expect(stateOf(world, before)).toBe("active");
  });

  test("ends when the broker has been heard again and has replayed past it", () => {
    const world = settled({ brokers: 3 });
    const [paused] = others(world) as [Node];
    pause(paused);
    until(world, () => stateOf(world, paused) === "fenced");
    pass(world, 20_000);
    expect(stateOf(world, paused)).toBe("fenced");
    resume(world, paused);
    expect(until(world, () => stateOf(world, paused) === "active")).toBeLessThan(4_000);
  });

  test("lasts while the broker cannot replay the log, however loudly it lives", () => {
    const world = settled({ brokers: 3 });
    const [behind] = others(world) as [Node];
    behind.canReadLog = false;
    fence(world, behind);
    pass(world, 30_000);
    expect(stateOf(world, behind)).toBe("fenced");
    behind.canReadLog = true;
    expect(until(world, () => stateOf(world, behind) === "active")).toBeLessThan(4_000);
  });
});

describe("a heartbeat", () => {
  const heard = (world: CellWorld, node: Node, counter: number, brokerEpoch?: number) => {
    const office = controller(world);
    const answers: unknown[] = [];
    const epoch = brokerEpoch ?? world.head.brokers.get(node.brokerId)?.epoch ?? -1;
    const said = { metadataRevision: 0, wantsShutDown: false, logReadAgeMs: 0 };
    const heartbeat = { brokerId: node.brokerId, brokerEpoch: epoch, counter, ...said };
    const before = office.state.office?.watched.get(node.brokerId)?.lastHeardMs;
    pass(world, 1);
    step(world, office, {
      type: "heartbeatReceived",
      replyTo: -1,
      heartbeat,
      report: { ends: [], loads: [] },
    });
    answers.push(office.state.office?.watched.get(node.brokerId)?.lastHeardMs !== before);
    return answers[0];
  };

  test("whose counter goes back, or that an earlier life sent, is no sign of life", () => {
    const world = settled({ brokers: 3 });
    const [node] = others(world) as [Node];
    expect(heard(world, node, 1_000)).toBe(true);
    expect(heard(world, node, 1_000)).toBe(false);
    expect(heard(world, node, 999)).toBe(false);
    expect(heard(world, node, 1_001)).toBe(true);
    expect(heard(world, node, 2_000, 1)).toBe(false);
  });

  test("tells a broker that another process has registered in its name to end", () => {
    const world = settled({ brokers: 3 });
    const [twin] = others(world) as [Node];
    const copy = addBroker(world, {});
    kill(world, copy);
    copy.brokerId = twin.brokerId;
    const request = world.head.brokers.get(twin.brokerId);
    if (request === undefined) throw new Error("it is registered");
    commandAtHead(world, (_, { revision }) =>
      accepted([{ kind: "broker", ...request, incarnation: "other", epoch: revision }], null),
    );
    pass(world, 2_000);
    expect(twin.stoppedFor).toBe("replaced");
  });

  test("is the last thing an unregistered broker does", () => {
    const world = settled({ brokers: 3 });
    const [gone] = others(world) as [Node];
    const { brokerId } = gone;
    commandAtHead(world, () => accepted([{ kind: "brokerUnregistered", brokerId }], null));
    pass(world, 2_000);
    expect(gone.stoppedFor).toBe("unregistered");
  });
});

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

describe("what a leader may answer", () => {
  test("ends a session after it has heard neither the log nor a controller that has read it", () => {
    const world = settled({ brokers: 3 });
    const [deaf] = others(world) as [Node];
    deaf.canReadLog = false;
    pass(world, 30_000);
    expect(deaf.serving).toEqual({ reads: true, acks1: true });
    for (const other of world.nodes) if (other !== deaf) cut(world, deaf, other);
    expect(until(world, () => !deaf.serving.reads)).toBeLessThan(9_600);
    expect(deaf.serving).toEqual({ reads: false, acks1: false });
    world.cuts.clear();
    deaf.canReadLog = true;
    expect(until(world, () => deaf.serving.reads)).toBeLessThan(1_000);
  });

  test("ends where the controller has read more than the broker has, and that cannot be had", () => {
    const world = settled({ brokers: 3 });
    const [behind] = others(world) as [Node];
    behind.canReadLog = false;
    addTopic(world, { name: "t" });
    expect(until(world, () => !behind.serving.reads)).toBeLessThan(12_000);
  });

  test.each([true, false])(
    "goes on while nobody can read the log, acks=1 as it is set: %s",
    (acks1) => {
      const world = settled({ brokers: 3, config: { servesAcks1WithoutLog: acks1 } });
      for (const node of world.nodes) node.canReadLog = false;
      pass(world, 60_000);
      expect(world.nodes.map(({ serving }) => serving)).toEqual(
        Array(3).fill({ reads: true, acks1 }),
      );
    },
  );

  test("ends for those who cannot tell whether somebody else reads the log", () => {
    const world = settled({ brokers: 3 });
    for (const node of world.nodes) node.canReadLog = false;
    const [lost] = others(world) as [Node];
    for (const other of world.nodes) if (other !== lost) cut(world, lost, other);
    pass(world, 60_000);
    expect(world.nodes.map(({ serving }) => serving.reads)).toEqual([false, false, false]);
  });
});

describe("the controller's rounds", () => {
  test("give the replicas of a broker that is gone for a minute to others", () => {
    const world = settled({ brokers: 5 });
    addTopic(world, { name: "t", partitionCount: 20, replicationFactor: 3 });
    const [dead] = others(world) as [Node];
    kill(world, dead);
    pass(world, 55_000);
    expect(partitionsOf(world).some(({ adding }) => adding.length > 0)).toBe(false);
    pass(world, 15_000);
    for (const partition of partitionsOf(world)) {
      const isHeld = partition.replicas.includes(dead.brokerId);
      expect(partition.removing).toEqual(isHeld ? [dead.brokerId] : []);
      expect(partition.adding).toHaveLength(isHeld ? 1 : 0);
    }
  });

  test("bring topics made in a smaller cell to three replicas as brokers come", () => {
    const world = settled({ brokers: 1 });
    addTopic(world, { name: "t", partitionCount: 4 });
    addBroker(world);
    addBroker(world);
    pass(world, 10_000);
    for (const { adding } of partitionsOf(world)) expect(adding).toHaveLength(2);
  });

  test("declare an ephemeral disk lost after ten minutes where it is waited for, and forget it after an hour", () => {
    const world = settled({ brokers: 2, broker: { ephemeral: true } });
    const [dead] = others(world) as [Node];
    addTopic(world, { name: "t", assignments: [{ index: 0, brokerIds: [dead.brokerId] }] });
    kill(world, dead);
    pass(world, 9 * 60_000);
    expect(world.head.brokers.get(dead.brokerId)?.isLost).toBe(false);
    pass(world, 2 * 60_000);
    expect(world.head.brokers.get(dead.brokerId)?.isLost).toBe(true);
    // C3: nothing survives, so it goes on, empty, elsewhere, and says so.
    expect(partitionsOf(world)[0]).toMatchObject({ leader: controller(world).brokerId });
    expect(controller(world).alarms.join()).toContain("may lack records");
    pass(world, 60 * 60_000);
    expect(world.head.brokers.has(dead.brokerId)).toBe(false);
  });

  test("elect among crashed replicas once all have told the ends of their logs", () => {
    const world = settled({ brokers: 4 });
    const members = others(world);
    const brokerIds = members.map(({ brokerId }) => brokerId);
    addTopic(world, { name: "t", assignments: [{ index: 0, brokerIds }] });
    const topicId = [...world.head.topics.keys()][0] ?? "";
    for (const node of members) kill(world, node, { isHost: true });
    pass(world, 12_000);
    members.forEach((node, position) => {
      const logEndOffset = 100 + (position === 1 ? 5 : 0);
      const log = { lastEpoch: 0, logEndOffset, highWatermark: 90 };
      node.ends = [{ topicId, index: 0, ...log }];
      if (position < 2) startBroker(world, node, { previousEnd: "hostCrash" });
    });
    pass(world, 20_000);
    // The third may know more than both.
    const third = (members[2] as Node).brokerId;
    expect(partitionsOf(world)[0]).toMatchObject({ leader: -1, isr: [], elr: [third] });
    startBroker(world, members[2] as Node, { previousEnd: "hostCrash" });
    expect(until(world, () => partitionsOf(world)[0]?.leader !== -1)).toBeLessThan(3_000);
    const best = (members[1] as Node).brokerId;
    expect(partitionsOf(world)[0]).toMatchObject({ leader: best, isr: [best], lastIsr: [best] });
    expect(partitionsOf(world)[0]?.recoveries).toMatchObject([{ end: 105, start: 105 + 2 ** 40 }]);
  });

  test("give leaderships back to preferred replicas that are in sync", () => {
    const world = settled({ brokers: 3 });
    addTopic(world, { name: "t", partitionCount: 9, replicationFactor: 3 });
    const [brief] = others(world) as [Node];
    // Alive throughout, but out of the sets for a moment: its leaderships have moved.
    for (const { index, ...partition } of partitionsOf(world)) {
      if (partition.leader !== brief.brokerId) continue;
      const leader = partition.isr.find((id) => id !== brief.brokerId) ?? -1;
      const topicId = [...world.head.topics.keys()][0] ?? "";
      const after = { ...partition, index, leader, leaderEpoch: 1, partitionEpoch: 1 };
      const records = [{ kind: "partitionsChanged" as const, topicId, partitions: [after] }];
      commandAtHead(world, () => accepted(records, null));
    }
    pass(world, 15_000);
    for (const { leader, replicas } of partitionsOf(world)) expect(leader).toBe(replicas[0]);
  });

  test("raise the metadata level a day after all brokers know it", () => {
    const broker = { minLevel: 1, maxLevel: 2 };
    const world = settled({ brokers: 2, broker, config: { levelDelayMs: 200_000 } });
    Object.assign(world.head, { level: 1 });
    for (const node of world.nodes) Object.assign(node.image, { level: 1 });
    pass(world, 190_000);
    expect(world.head.level).toBe(1);
    pass(world, 130_000);
    expect(world.head.level).toBe(2);
  });
});

test("every image along the way keeps the invariants", () => {
  const world = settled({ brokers: 5 });
  addTopic(world, { name: "t", partitionCount: 30, replicationFactor: 3 });
  for (const [position, node] of [...world.nodes].entries()) {
    if (position % 2 === 0) kill(world, node);
    else stopBroker(world, node);
    pass(world, 15_000);
    expect(imageProblems(world.head)).toEqual([]);
    if (!node.isUp) startBroker(world, node);
    pass(world, 15_000);
    expect(imageProblems(world.head)).toEqual([]);
  }
  expect(nodeOf(world, world.head.controller.brokerId)?.isUp).toBe(true);
});
