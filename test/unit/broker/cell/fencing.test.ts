import { describe, expect, test } from "vitest";

import { cellRules } from "../../../../broker/cell/cell-config.ts";
import { settled, stateOf, controller, others, until, fence } from "./cell-scenes.ts";
import {
  addBroker,
  addTopic,
  controllerOf,
  cut,
  kill,
  partitionsOf,
  pass,
  pause,
  resume,
  startBroker,
  step,
} from "./cell-world.ts";
import type { Node } from "./cell-world.ts";

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

  test("comes at once to a broker whose endpoint another one was registered at", () => {
    const world = settled({ brokers: 3 });
    const [dead] = others(world) as [Node];
    const { host = "", port = 0 } = world.head.brokers.get(dead.brokerId) ?? {};
    // Whoever dials it is answered, by its successor.
    kill(world, dead, { isHost: true });
    addBroker(world, { host, port });
    expect(until(world, () => stateOf(world, dead) === "fenced")).toBeLessThan(1_000);
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

  test("does not come to brokers that a controller cut off from all of them cannot hear: they elect another", () => {
    const world = settled({ brokers: 3 });
    const before = controller(world);
    const [one, two] = others(world) as [Node, Node];
    cut(world, before, one);
    cut(world, before, two);
    const isReplaced = () => [one, two].includes(controllerOf(world) as Node);
    expect(until(world, isReplaced)).toBeLessThan(12_500);
    expect([one, two].map((node) => stateOf(world, node))).toEqual(["active", "active"]);
    expect(stateOf(world, before)).toBe("fenced");
  });

  test("comes after three sessions to the rest of a cell that is silent for good", () => {
    const world = settled({ brokers: 3 });
    const dead = others(world);
    for (const node of dead) kill(world, node, { isHost: true });
    const tookMs = until(world, () => dead.every((node) => stateOf(world, node) === "fenced"));
    expect(tookMs).toBeGreaterThan(20_000);
    expect(tookMs).toBeLessThan(32_000);
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
