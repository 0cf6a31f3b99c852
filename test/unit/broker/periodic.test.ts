import { expect, test } from "vitest";
import { createManualClock } from "../../../adapters/memory/clock.ts";
import { startPeriodic } from "../../../broker/periodic.ts";

function start(round: () => Promise<void>) {
  const clock = createManualClock();
  const failures: unknown[] = [];
  const stop = startPeriodic({
    clock,
    intervalMs: 100,
    round,
    failed: (error) => void failures.push(error),
  });
  return { clock, failures, stop };
}

test("rounds come in their interval, counted from the end of the one before", async () => {
  let rounds = 0;
  let finish = (): void => {};
  const { clock, stop } = start(() => {
    rounds++;
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  await clock.advance(99);
  expect(rounds).toBe(0);
  await clock.advance(1);
  expect(rounds).toBe(1);
  await clock.advance(1_000);
  expect(rounds).toBe(1);
  finish();
  await clock.advance(0);
  await clock.advance(100);
  expect(rounds).toBe(2);
  finish();
  await stop();
});

test("a round that fails is reported, and the next one comes", async () => {
  let rounds = 0;
  const { clock, failures, stop } = start(() => {
    rounds++;
    return Promise.reject(new Error(`round ${rounds}`));
  });
  await clock.advance(250);
  expect(rounds).toBe(2);
  expect(failures.map(String)).toEqual(["Error: round 1", "Error: round 2"]);
  await stop();
});

test("a stop waits for the round under way, says nothing of its failure, and leaves no timer", async () => {
  let fail = (_error: Error): void => {};
  const { clock, failures, stop } = start(
    () =>
      new Promise((_resolve, reject) => {
        fail = reject;
      }),
  );
  await clock.advance(100);
  let isStopped = false;
  const stopped = stop().then(() => (isStopped = true));
  await clock.advance(0);
  expect(isStopped).toBe(false);
  fail(new Error("the log is closed"));
  await stopped;
  expect(failures).toEqual([]);
  expect(clock.nextDueMs()).toBeNull();
});
