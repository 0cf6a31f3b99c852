import { expect, test } from "vitest";
import type { FaultRates } from "../world/fault-table.ts";
import { createWorld } from "../world/world.ts";
import { createProcessClock } from "./process-clock.ts";
import { SimHost } from "./sim-host.ts";
import { SimProcess } from "./sim-process.ts";

function room(faults: FaultRates = {}) {
  const world = createWorld({ seed: 5, faults });
  const host = new SimHost(world, { name: "host-1", zone: "a" });
  const process = new SimProcess(world, host, "process");
  const clock = createProcessClock(world, process);
  const seen: string[] = [];
  const at = (ms: number, act: () => void): void => void world.schedule(ms, "task", act);
  return { world, host, process, clock, seen, at };
}

test("a killed process hears of nothing any more: no timer, no delivery, no promise", async () => {
  const { world, process, clock, seen, at } = room();
  clock.after(10, () => seen.push("timer"));
  at(10, () => process.deliver(() => seen.push("delivery")));
  at(10, () => process.deliver(() => void Promise.resolve().then(() => seen.push("promise"))));
  at(5, () => process.kill());
  await world.run();
  expect(seen).toEqual([]);
  expect(process.isDead).toBe(true);
});

test("a stopped process hears of nothing until it goes on: then of its timers first, all late, and then of what has come", async () => {
  const { world, process, clock, seen, at } = room();
  const startMs = clock.monotonicMs();
  const note = (what: string) => () => seen.push(`${what} at ${clock.monotonicMs() - startMs}`);
  at(1, () => process.pause());
  at(15, () => process.deliver(note("heartbeat")));
  clock.after(20, note("session"));
  clock.after(10, note("tick"));
  clock.after(60, note("later"));
  at(50, () => process.resume());
  await world.run();
  expect(seen).toEqual(["tick at 50", "session at 50", "heartbeat at 50", "later at 60"]);
});

test("a timer that is cancelled by another one that was held with it does not fire", async () => {
  const { world, process, clock, seen, at } = room();
  at(1, () => process.pause());
  clock.after(10, () => cancel());
  const cancel = clock.after(20, () => seen.push("cancelled"));
  at(50, () => process.resume());
  await world.run();
  expect(seen).toEqual([]);
});

test("a process killed while it is stopped never goes on", async () => {
  const { world, process, clock, seen, at } = room();
  clock.after(10, () => seen.push("timer"));
  at(1, () => process.pause());
  at(20, () => process.kill());
  at(30, () => process.resume());
  await world.run();
  expect(seen).toEqual([]);
});

test("an exception that nobody caught ends the run", async () => {
  const { world, clock } = room();
  clock.after(1, () => {
    throw new Error("forgot");
  });
  await expect(world.run()).rejects.toThrow(/process ends with an exception.*forgot/s);
});

test("a host that loses power takes its processes with it, and comes back as another boot", async () => {
  const { world, host, process, seen, at } = room();
  process.onEnd(() => seen.push(`ended, host up: ${host.isUp}`));
  at(1, () => host.crash());
  at(2, () => host.boot());
  await world.run();
  expect(seen).toEqual(["ended, host up: false"]);
  expect(host.bootNumber).toBe(2);
});

test("wall clocks differ, run at their own rate and can be set; time that is measured goes on", async () => {
  const { world, host, clock, at } = room({ "clock.skew": 5_000, "clock.drift": 500 });
  const other = new SimHost(world, { name: "host-2", zone: "a" });
  expect(host.wallMs).not.toBe(other.wallMs);
  const before = { wall: clock.nowMs(), monotonic: clock.monotonicMs() };
  at(1_000, () => host.setWallClock(-60_000));
  await world.run();
  expect(clock.nowMs() - before.wall).toBeLessThan(-58_000);
  expect(clock.monotonicMs() - before.monotonic).toBeGreaterThan(999);
  expect(clock.monotonicMs() - before.monotonic).not.toBe(1_000);
});

test("timers fire late as often as they are told to, and never early", async () => {
  const { world, clock } = room({ "clock.lateTimer": 0.5 });
  const lateness: number[] = [];
  const startMs = world.nowMs;
  for (let count = 0; count < 200; count++) {
    clock.after(100, () => lateness.push(world.nowMs - startMs - 100));
  }
  await world.run();
  const late = lateness.filter((ms) => ms >= 1);
  expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
  expect(late.length).toBeGreaterThan(60);
  expect(late.length).toBeLessThan(140);
});
