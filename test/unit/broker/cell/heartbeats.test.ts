import { describe, expect, test } from "vitest";

import { accepted } from "../../../../metadata/commands/command.ts";
import { settled, controller, others } from "./cell-scenes.ts";
import { addBroker, commandAtHead, kill, pass, step } from "./cell-world.ts";
import type { CellWorld, Node } from "./cell-world.ts";

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
