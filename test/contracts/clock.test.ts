import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createJumpingClock, createManualClock } from "../../adapters/memory/clock.ts";
import { createNodeClock } from "../../adapters/node/clock.ts";
import { clockContract } from "./clock.ts";

clockContract("the machine's", () => ({
  clock: createNodeClock(),
  pass: (ms) => sleep(ms),
  close: () => undefined,
}));

clockContract("moved by hand", () => {
  const clock = createManualClock();
  return { clock, pass: (ms) => clock.advance(ms), close: () => clock.close() };
});

clockContract("running, and jumping ahead", () => {
  const clock = createJumpingClock();
  return { clock, pass: (ms) => clock.advance(ms), close: () => clock.close() };
});

clockContract("able to jump, but only running", () => {
  const clock = createJumpingClock();
  return { clock, pass: (ms) => sleep(ms), close: () => clock.close() };
});

describe("a jump", () => {
  test("fires what falls due on the way at its own time, timers set by timers included", async () => {
    const clock = createManualClock({ startMs: 1_000_000 });
    const seen: [string, number, number][] = [];
    const note = (what: string) => seen.push([what, clock.monotonicMs(), clock.nowMs()]);
    const everyMinute = (): void => {
      note("minute");
      clock.after(60_000, everyMinute);
    };
    clock.after(60_000, everyMinute);
    clock.after(90_000, () => note("once"));
    await clock.advance(180_000);
    expect(seen).toEqual([
      ["minute", 60_000, 1_060_000],
      ["once", 90_000, 1_090_000],
      ["minute", 120_000, 1_120_000],
      ["minute", 180_000, 1_180_000],
    ]);
    expect(clock.monotonicMs()).toBe(180_000);
    expect(clock.nextDueMs()).toBe(240_000);
  });

  test("lets the promises that a timer set off come to rest before the next timer", async () => {
    const clock = createManualClock();
    const seen: string[] = [];
    clock.after(1, () => {
      void (async () => {
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
        seen.push("after the first");
      })();
    });
    clock.after(2, () => seen.push("second"));
    await clock.advance(2);
    expect(seen).toEqual(["after the first", "second"]);
  });

  test("waits for the jump before it", async () => {
    const clock = createManualClock();
    const seen: number[] = [];
    clock.after(10, () => seen.push(clock.monotonicMs()));
    clock.after(20, () => seen.push(clock.monotonicMs()));
    await Promise.all([clock.advance(15), clock.advance(15)]);
    expect(seen).toEqual([10, 20]);
    expect(clock.monotonicMs()).toBe(30);
  });

  test("leaves a running clock running", async () => {
    const clock = createJumpingClock();
    const before = clock.nowMs();
    let hasRun = false;
    clock.after(600_000, () => {
      hasRun = true;
    });
    await clock.advance(600_000);
    expect(hasRun).toBe(true);
    expect(clock.nowMs() - before).toBeGreaterThanOrEqual(600_000);
    await new Promise<void>((resolve) => void clock.after(5, resolve));
    clock.close();
  });

  test("keeps thousands of cancelled timers from piling up ahead of a live one", async () => {
    const clock = createManualClock();
    const ran: number[] = [];
    clock.after(50, () => ran.push(50));
    for (let round = 0; round < 5_000; round++)
      clock.after(10 + (round % 90), () => ran.push(-1))();
    clock.after(20, () => ran.push(20));
    await clock.advance(100);
    expect(ran).toEqual([20, 50]);
    expect(clock.nextDueMs()).toBeNull();
  });
});
