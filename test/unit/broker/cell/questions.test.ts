import { describe, expect, test } from "vitest";

import { cellRules } from "../../../../broker/cell/cell-config.ts";
import { seededRandom } from "../../metadata/test-cell.ts";
import { controller, fence, others, settled, stateOf, until } from "./cell-scenes.ts";
import { addTopic, controllerOf, cut, heal, kill, pass } from "./cell-world.ts";
import type { CellWorld, Node } from "./cell-world.ts";

const sessionMs = 9_000;

function cutOff(world: CellWorld, lonely: Node): void {
  for (const other of world.nodes) if (other !== lonely) cut(world, lonely, other);
}

function cutAll(world: CellWorld): void {
  for (const node of world.nodes) cutOff(world, node);
}

function epochOf({ head }: CellWorld): number {
  return head.controller.epoch;
}

/** Questions and answers from now on. */
function entriesOf(world: CellWorld, fromCount: number, kind: "question" | "answer"): number {
  return world.entries
    .slice(fromCount)
    .filter((each) => each.some((record) => record.kind === kind)).length;
}

describe("a broker that hears nobody and reads the log", () => {
  test.each([2, 3, 4, 5])(
    "takes nothing over while the others are well, in a cell of %i",
    (brokers) => {
      const world = settled({ brokers });
      const before = controller(world);
      const [lonely] = others(world) as [Node];
      const fromCount = world.entries.length;
      cutOff(world, lonely);
      pass(world, 20 * sessionMs);
      expect(controllerOf(world)).toBe(before);
      expect(epochOf(world)).toBe(1);
      const asked = entriesOf(world, fromCount, "question");
      expect(asked).toBeGreaterThan(0);
      expect(asked).toBeLessThanOrEqual(10);
      expect(entriesOf(world, fromCount, "answer")).toBe(asked);
      expect(world.head.questions.size).toBe(0);
      heal(world);
      expect(until(world, () => stateOf(world, lonely) === "active")).toBeLessThan(5_000);
    },
  );

  test("takes over again and again where the rule is broken: the test of the test", () => {
    const rules = { ...cellRules, asksInLog: false };
    const world = settled({ brokers: 3, config: { rules } });
    cutOff(world, others(world)[0] as Node);
    pass(world, 20 * sessionMs);
    expect(epochOf(world)).toBeGreaterThan(4);
  });

  test("asks nothing in a cell whose level has no questions", () => {
    const world = settled({ brokers: 3 });
    for (const image of [world.head, ...world.nodes.map((node) => node.image)])
      Object.assign(image, { level: 4 });
    const fromCount = world.entries.length;
    cutOff(world, others(world)[0] as Node);
    pass(world, 6 * sessionMs);
    expect(epochOf(world)).toBe(2);
    expect(entriesOf(world, fromCount, "question")).toBe(0);
  });

  test("takes over after three sessions where the controller does not answer", () => {
    for (const brokers of [2, 3, 5]) {
      const world = settled({ brokers });
      const [one, ...rest] = others(world) as [Node, ...Node[]];
      for (const node of [controller(world), ...rest]) kill(world, node, { isHost: true });
      const tookMs = until(world, () => controllerOf(world) === one);
      expect(tookMs).toBeGreaterThan(2.5 * sessionMs);
      expect(tookMs).toBeLessThan(33_000);
      const isAlone = () =>
        world.nodes.every((node) => node === one || stateOf(world, node) === "fenced");
      expect(until(world, isAlone)).toBeLessThan(33_000);
      pass(world, 10 * sessionMs);
      expect(epochOf(world)).toBe(2);
    }
  });

  test("waits for a controller that reads the log late", () => {
    const world = settled({ brokers: 3 });
    const before = controller(world);
    const [lonely] = others(world) as [Node];
    cutOff(world, lonely);
    until(world, () => lonely.submitted.includes("ask"));
    before.canReadLog = false;
    pass(world, sessionMs / 2);
    before.canReadLog = true;
    pass(world, 10 * sessionMs);
    expect(controllerOf(world)).toBe(before);
  });

  test("has the office with those it hears, all of them out of service, before a controller that hears none", () => {
    const world = settled({ brokers: 3 });
    const before = controller(world);
    const [one, two] = others(world) as [Node, Node];
    cutOff(world, before);
    fence(world, one);
    fence(world, two);
    const isReplaced = () => [one, two].includes(controllerOf(world) as Node);
    expect(until(world, isReplaced)).toBeLessThan(36_000);
    const areBack = () => [one, two].every((node) => stateOf(world, node) === "active");
    expect(until(world, areBack)).toBeLessThan(5_000);
    const epoch = epochOf(world);
    pass(world, 20 * sessionMs);
    expect(epochOf(world)).toBe(epoch);
  });
});

describe("a controller that hears too few", () => {
  test.each([3, 4, 5])(
    "is replaced once by others that hear each other, and never again, in a cell of %i",
    (brokers) => {
      const world = settled({ brokers });
      const before = controller(world);
      cutOff(world, before);
      pass(world, 20 * sessionMs);
      expect(epochOf(world)).toBe(2);
      expect(world.nodes.filter((node) => stateOf(world, node) === "fenced")).toEqual([before]);
    },
  );

  test("fences nobody that answers in the log, however long nobody hears anybody", () => {
    const world = settled({ brokers: 5 });
    const before = controller(world);
    const fromCount = world.entries.length;
    cutAll(world);
    pass(world, 20 * sessionMs);
    expect(controllerOf(world)).toBe(before);
    expect(world.nodes.map((node) => stateOf(world, node))).toEqual(Array(5).fill("active"));
    // Each asks once in two sessions; the controller is answered by each of the others.
    expect(entriesOf(world, fromCount, "question")).toBeLessThanOrEqual(5 * 10);
    expect(entriesOf(world, fromCount, "answer")).toBeLessThanOrEqual(2 * 4 * 10);
  });

  test("fences those that do not answer, and no others", () => {
    const world = settled({ brokers: 5 });
    const [deaf, other, ...dead] = others(world) as [Node, Node, Node, Node];
    cutAll(world);
    for (const node of dead) kill(world, node, { isHost: true });
    const areFenced = () => dead.every((node) => stateOf(world, node) === "fenced");
    const tookMs = until(world, areFenced);
    expect(tookMs).toBeGreaterThan(2 * sessionMs);
    expect(tookMs).toBeLessThan(32_000);
    pass(world, 10 * sessionMs);
    expect([deaf, other].map((node) => stateOf(world, node))).toEqual(["active", "active"]);
    expect(epochOf(world)).toBe(1);
  });

  test("goes on without most of its cell, lost at once, with one that it hears", () => {
    const world = settled({ brokers: 5 });
    const [, ...dead] = others(world);
    for (const node of dead) kill(world, node, { isHost: true });
    const areFenced = () => dead.every((node) => stateOf(world, node) === "fenced");
    expect(until(world, areFenced)).toBeLessThan(32_000);
    expect(epochOf(world)).toBe(1);
  });

  test("keeps the office in a cell of two, and the other is in service again when they hear each other", () => {
    const world = settled({ brokers: 2 });
    addTopic(world, { name: "t", partitionCount: 3, replicationFactor: 2 });
    const before = controller(world);
    const [other] = others(world) as [Node];
    cutAll(world);
    expect(until(world, () => stateOf(world, other) === "fenced")).toBeLessThan(11_000);
    pass(world, 20 * sessionMs);
    expect(controllerOf(world)).toBe(before);
    heal(world);
    expect(until(world, () => stateOf(world, other) === "active")).toBeLessThan(5_000);
  });
});

test("however a cell is split, at once or bit by bit, the office is settled and stays where it is", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const world = settled({ brokers: 2 + (seed % 6), seed });
    // Every fourth time into as many parts as there are brokers, or nearly.
    const partCount = 2 + (seed % 4 === 0 ? 10 : seed % 2);
    const sides = world.nodes.map(() => Math.floor(random.float() * partCount));
    for (const [left, one] of world.nodes.entries()) {
      for (const [right, other] of world.nodes.entries()) {
        if (left >= right || sides[left] === sides[right]) continue;
        cut(world, one, other);
        if (seed % 3 === 0) pass(world, random.float() * 2 * sessionMs);
      }
    }
    pass(world, 8 * sessionMs);
    const epoch = epochOf(world);
    const states = world.nodes.map((node) => stateOf(world, node));
    const isHeld = (node: Node) => node === controllerOf(world);
    const held = world.nodes.map(isHeld);
    pass(world, 20 * sessionMs);
    expect([seed, epochOf(world)]).toEqual([seed, epoch]);
    expect(world.nodes.map((node) => stateOf(world, node))).toEqual(states);
    expect(world.nodes.map(isHeld)).toEqual(held);
  }
});
