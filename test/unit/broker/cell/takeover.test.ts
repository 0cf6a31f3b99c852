import { describe, expect, test } from "vitest";

import { cellRules } from "../../../../broker/cell/cell-config.ts";
import { settled, stateOf, controller, others, until, restart, fence } from "./cell-scenes.ts";
import {
  addTopic,
  controllerOf,
  createCellWorld,
  cut,
  kill,
  pass,
  startBroker,
} from "./cell-world.ts";
import type { Node } from "./cell-world.ts";

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
