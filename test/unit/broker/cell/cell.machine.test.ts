import fc from "fast-check";
import { expect, test } from "vitest";

import { imageProblems } from "../../../../metadata/image/image-checker.ts";
import { settled, stateOf } from "./cell-scenes.ts";
import {
  addTopic,
  controllerOf,
  createCellWorld,
  cut,
  kill,
  nodeOf,
  pass,
  pause,
  resume,
  startBroker,
  stopBroker,
} from "./cell-world.ts";
import type { CellWorld, Node } from "./cell-world.ts";

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

const faults = [
  "kill",
  "killHost",
  "start",
  "start",
  "pause",
  "resume",
  "resume",
  "cut",
  "heal",
  "logOff",
  "logOn",
  "stop",
  "wait",
  "wait",
] as const;

type Fault = { kind: (typeof faults)[number]; node: number; other: number; forMs: number };

function strike(world: CellWorld, { kind, node: index, other, forMs }: Fault): void {
  const node = world.nodes[index % world.nodes.length] as Node;
  const second = world.nodes[other % world.nodes.length] as Node;
  if (kind === "kill") kill(world, node);
  if (kind === "killHost") kill(world, node, { isHost: true });
  if (kind === "start" && !node.isUp) startBroker(world, node, endOf(forMs));
  if (kind === "pause") pause(node);
  if (kind === "resume") resume(world, node);
  if (kind === "cut" && node !== second) cut(world, node, second);
  if (kind === "heal") world.cuts.clear();
  if (kind === "logOff") node.canReadLog = false;
  if (kind === "logOn") node.canReadLog = true;
  if (kind === "stop") stopBroker(world, node);
  pass(world, forMs);
}

function endOf(draw: number) {
  return { previousEnd: draw % 3 === 0 ? ("hostCrash" as const) : ("processCrash" as const) };
}

const lives = fc.record({
  seed: fc.nat(),
  brokers: fc.integer({ min: 1, max: 6 }),
  strikes: fc.array(
    fc.record({
      kind: fc.constantFrom(...faults),
      node: fc.nat(5),
      other: fc.nat(5),
      forMs: fc.oneof(fc.integer({ min: 0, max: 800 }), fc.integer({ min: 0, max: 14_000 })),
    }),
    { maxLength: 30, size: "max" },
  ),
});

test("whatever befalls a cell, each term has one controller, and once it is over all brokers serve again", () => {
  fc.assert(
    fc.property(lives, ({ seed, brokers, strikes }) => {
      const world = createCellWorld({ brokers, seed });
      addTopic(world, { name: "t", partitionCount: 6 });
      for (const fault of strikes) strike(world, fault);
      world.cuts.clear();
      for (const node of world.nodes) {
        node.canReadLog = true;
        resume(world, node);
      }
      // Those that were asked to stop have done so.
      pass(world, 115_000);
      for (const node of world.nodes) if (!node.isUp) startBroker(world, node);
      pass(world, 40_000);
      expect(controllerOf(world)).toBeDefined();
      expect(world.nodes.filter(({ state }) => state.office !== null)).toHaveLength(1);
      for (const node of world.nodes) {
        expect(stateOf(world, node)).toBe("active");
        expect(node.serving).toEqual({ reads: true, acks1: true });
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);
