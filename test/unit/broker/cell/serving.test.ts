import { describe, expect, test } from "vitest";

import { controller, others, settled, until } from "./cell-scenes.ts";
import {
  addTopic,
  cut,
  heal,
  kill,
  nodeOf,
  pass,
  pause,
  resume,
  startBroker,
  step,
} from "./cell-world.ts";
import type { CellWorld, Node } from "./cell-world.ts";

/** At no moment that is looked at. */
function servesNobody(world: CellWorld, node: Node, forMs = 50_000): void {
  for (let count = 0; count < 100; count += 1) {
    pass(world, forMs / 100);
    expect(node.serving.reads).toBe(false);
  }
}

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

  test("goes on while nobody can read the log, though a broker has died meanwhile", () => {
    const world = settled({ brokers: 3, config: { servesAcks1WithoutLog: true } });
    for (const node of world.nodes) node.canReadLog = false;
    pass(world, 30_000);
    const [dead] = others(world) as [Node];
    kill(world, dead);
    pass(world, 60_000);
    for (const node of world.nodes) if (node !== dead) expect(node.serving.reads).toBe(true);
  });

  // Seed 730002: the others had taken over while it stood still, and gone to sleep.
  test("ends for a controller that stood still, and finds those gone who may have replaced it", () => {
    const world = settled({ brokers: 3 });
    const replaced = controller(world);
    pause(replaced);
    expect(
      until(world, () => nodeOf(world, world.head.controller.brokerId) !== replaced),
    ).toBeLessThan(20_000);
    for (const node of world.nodes) if (node !== replaced) kill(world, node);
    replaced.canReadLog = false;
    resume(world, replaced);
    // What it read before it stood still counts for a session.
    expect(until(world, () => !replaced.serving.reads)).toBeLessThan(3_000);
    servesNobody(world, replaced);
  });

  test("ends for a controller that cannot read the log, where one that could has replaced it and is gone", () => {
    const world = settled({ brokers: 3 });
    const replaced = controller(world);
    replaced.canReadLog = false;
    expect(
      until(world, () => nodeOf(world, world.head.controller.brokerId) !== replaced),
    ).toBeLessThan(40_000);
    for (const node of world.nodes) if (node !== replaced) kill(world, node);
    pass(world, 12_000);
    servesNobody(world, replaced);
  });

  test.each(["before", "after"])(
    "goes on though a broker has died %s its controller stood still for a second",
    (order) => {
      const world = settled({ brokers: 3, config: { servesAcks1WithoutLog: true } });
      const still = controller(world);
      const [dead] = others(world) as [Node];
      for (const node of world.nodes) node.canReadLog = false;
      pass(world, 30_000);
      if (order === "before") kill(world, dead);
      pass(world, 5_000);
      pause(still);
      pass(world, 1_200);
      resume(world, still);
      pass(world, 5_000);
      if (order === "after") kill(world, dead);
      pass(world, 60_000);
      for (const node of world.nodes) if (node !== dead) expect(node.serving.reads).toBe(true);
    },
  );

  const isReplaced = (world: CellWorld, node: Node) => () =>
    nodeOf(world, world.head.controller.brokerId) !== node;

  test("ends for a controller where one that took over lived on after its connection had ended", () => {
    const world = settled({ brokers: 3 });
    const replaced = controller(world);
    const rest = others(world);
    replaced.canReadLog = false;
    for (const node of rest) {
      cut(world, replaced, node);
      // The last that passed.
      step(world, replaced, {
        type: "connectionClosed",
        brokerId: node.brokerId,
        side: "theirs",
      });
    }
    expect(until(world, isReplaced(world, replaced))).toBeLessThan(40_000);
    for (const node of rest) kill(world, node);
    heal(world);
    pass(world, 12_000);
    servesNobody(world, replaced);
  });

  test("ends for a controller that has read the log once more after others had begun to miss it", () => {
    const world = settled({ brokers: 3 });
    const replaced = controller(world);
    const rest = others(world);
    replaced.canReadLog = false;
    const isAppointing = () =>
      rest.some(({ state }) => typeof state.candidacy?.submitId === "number");
    expect(until(world, isAppointing)).toBeLessThan(40_000);
    replaced.logReadMs = world.nowMs;
    expect(until(world, isReplaced(world, replaced))).toBeLessThan(1_000);
    for (const node of rest) kill(world, node);
    // That counts for a session.
    pass(world, 12_000);
    servesNobody(world, replaced);
  });

  test("ends for a controller that stood still, and hears only now what others said before they replaced it", () => {
    const world = settled({ brokers: 3 });
    const replaced = controller(world);
    const rest = others(world);
    for (const node of world.nodes) node.canReadLog = false;
    pass(world, 30_000);
    pause(replaced);
    pass(world, 2_500);
    for (const node of rest) {
      node.canReadLog = true;
      cut(world, replaced, node);
    }
    expect(until(world, isReplaced(world, replaced))).toBeLessThan(40_000);
    resume(world, replaced);
    servesNobody(world, replaced, 10_000);
  });

  test("goes on though the host of a broker that has died is gone when its controller has stood still for a second", () => {
    const world = settled({ brokers: 3, config: { servesAcks1WithoutLog: true } });
    const still = controller(world);
    const [dead] = others(world) as [Node];
    for (const node of world.nodes) node.canReadLog = false;
    pass(world, 30_000);
    kill(world, dead);
    pass(world, 5_000);
    dead.isHostUp = false;
    pause(still);
    pass(world, 1_200);
    resume(world, still);
    pass(world, 60_000);
    for (const node of world.nodes) if (node !== dead) expect(node.serving.reads).toBe(true);
  });

  test("ends for a controller that stood still while one that was gone came back, replaced it and went again", () => {
    const world = settled({ brokers: 2 });
    const replaced = controller(world);
    const [back] = others(world) as [Node];
    replaced.canReadLog = false;
    back.canReadLog = false;
    pass(world, 30_000);
    kill(world, back);
    pass(world, 5_000);
    pause(replaced);
    back.canReadLog = true;
    cut(world, replaced, back);
    startBroker(world, back);
    expect(until(world, isReplaced(world, replaced))).toBeLessThan(60_000);
    kill(world, back);
    heal(world);
    resume(world, replaced);
    servesNobody(world, replaced);
  });

  test("ends while nobody can read the log, for whoever lacks what was read before", () => {
    const world = settled({ brokers: 3 });
    const [behind] = others(world) as [Node];
    behind.canReadLog = false;
    addTopic(world, { name: "t" });
    pass(world, 1_000);
    for (const node of world.nodes) node.canReadLog = false;
    pass(world, 60_000);
    for (const node of world.nodes) expect(node.serving.reads).toBe(node !== behind);
  });

  test("ends while nobody can read the log, for a controller and others who lack what one has read before", () => {
    const world = settled({ brokers: 3 });
    const [ahead] = others(world) as [Node];
    for (const node of world.nodes) node.canReadLog = node === ahead;
    addTopic(world, { name: "t" });
    pass(world, 1_000);
    ahead.canReadLog = false;
    pass(world, 60_000);
    for (const node of world.nodes) expect(node.serving.reads).toBe(node === ahead);
  });

  test("ends for those who cannot tell whether somebody else reads the log", () => {
    const world = settled({ brokers: 3 });
    for (const node of world.nodes) node.canReadLog = false;
    const [lost] = others(world) as [Node];
    for (const other of world.nodes) if (other !== lost) cut(world, lost, other);
    pass(world, 60_000);
    expect(world.nodes.map(({ serving }) => serving.reads)).toEqual([false, false, false]);
  });
});
