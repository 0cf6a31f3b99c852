import fc from "fast-check";
import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import type { KeyValue } from "../../../../broker/coordinator/coordinator-log.ts";
import { defaultShardLimits } from "../../../../broker/coordinator/shard-limits.ts";
import { CoordinatorShard } from "../../../../broker/coordinator/shard.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createFakeCoordinatorLog } from "./fake-coordinator-log.ts";
import type { FakeCoordinatorLog } from "./fake-coordinator-log.ts";
import { RegisterMachine, replayed } from "./register-machine.ts";
import type { Assignment } from "./register-machine.ts";

const limits = {
  ...defaultShardLimits,
  batchBytes: 4_000,
  queueBytes: 2_000,
  rewrite: { minimumBytes: 5_000, growthFactor: 2, pieceBytes: 500 },
};

function openShard(log: FakeCoordinatorLog) {
  const clock = createManualClock();
  const shard = new CoordinatorShard<Assignment, RegisterMachine>({
    name: "registers-0",
    clock,
    log,
    createMachine: () => new RegisterMachine(),
    limits,
    output: silentLog,
  });
  return { shard, clock };
}

function set(shard: CoordinatorShard<Assignment, RegisterMachine>, assignments: Assignment[]) {
  return shard.write(() => ({ entries: assignments, reply: null }));
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("thousands of commits to the same keys leave the log bounded", async () => {
  const log = createFakeCoordinatorLog();
  const { shard } = openShard(log);
  await shard.whenLoaded();
  let largestBytes = 0;
  for (let round = 0; round < 3_000; round++) {
    await set(shard, [{ name: `key-${round % 20}`, value: `${round}` }]);
    largestBytes = Math.max(largestBytes, log.visibleBytes());
  }
  await settle();
  expect(log.history.length).toBeGreaterThan(3_000);
  // The bound: what starts a rewrite, the copy, and the commits beside it.
  expect(largestBytes).toBeLessThan(10_000);
  expect(log.logStart()).toBeGreaterThan(2_500);
  expect(replayed(log.history.slice(log.logStart()))).toEqual(replayed(log.history));
});

test("a rewrite rides along in pieces no larger than allowed", async () => {
  const log = createFakeCoordinatorLog();
  const { shard } = openShard(log);
  await shard.whenLoaded();
  for (let index = 0; index < 60; index++)
    await set(shard, [{ name: `key-${index}`, value: "x".repeat(100) }]);
  await settle();
  expect(log.logStart()).toBeGreaterThan(0);
  expect(Math.max(...log.batchSizes)).toBeLessThanOrEqual(500 + 2 * 150);
});

test("a shard that starts on a long log rewrites it without being asked", async () => {
  const log = createFakeCoordinatorLog();
  for (let index = 0; index < 300; index++)
    await log.append([{ key: Buffer.from("a"), value: Buffer.from(`${index}`) }]);
  const { shard } = openShard(log);
  await shard.whenLoaded();
  await settle();
  expect(log.logStart()).toBe(300);
  expect(log.history.slice(log.logStart())).toHaveLength(1);
});

test("state that is all deleted leaves nothing to rewrite and nothing in the log", async () => {
  const log = createFakeCoordinatorLog();
  for (let index = 0; index < 100; index++)
    await log.append([
      { key: Buffer.from(`key-${index}`), value: Buffer.from("x".repeat(50)) },
      { key: Buffer.from(`key-${index}`), value: null },
    ]);
  const { shard } = openShard(log);
  await shard.whenLoaded();
  await settle();
  expect(log.visibleBytes()).toBe(0);
});

test.each(["rejected", "false"] as const)(
  "a log start that cannot be moved (%s) is moved after a later commit",
  async (how) => {
    const log = createFakeCoordinatorLog();
    for (let index = 0; index < 300; index++)
      await log.append([{ key: Buffer.from("a"), value: Buffer.from(`${index}`) }]);
    log.failMoves(2, how);
    const { shard } = openShard(log);
    await shard.whenLoaded();
    await settle();
    expect(log.logStart()).toBe(0);
    for (const value of ["1", "2", "3", "4"]) {
      await set(shard, [{ name: "b", value }]);
      await settle();
    }
    expect(log.logStart()).toBe(300);
  },
);

/** The state the records tell, in one line. */
function listed(records: readonly KeyValue[]): string {
  const lines = [...replayed(records)].map(([name, value]) => `${name}=${value}`);
  return lines.sort((left, right) => left.localeCompare(right)).join(" ");
}

const operation = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      type: fc.constant("set" as const),
      assignments: fc.array(
        fc.record({
          name: fc.integer({ min: 0, max: 30 }).map((index) => `key-${index}`),
          value: fc.option(fc.integer({ min: 1, max: 300 }).map((size) => "x".repeat(size))),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ type: "settle" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("fail" as const),
      fault: fc.constantFrom("refused" as const, "unknown" as const, "fenced" as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "failMove" as const }) },
);

test("whenever the process dies, the log from its start tells the same state as the whole history, and acknowledged decisions are in it", async () => {
  const scenario = fc.array(operation, { minLength: 50, maxLength: 150 });
  await fc.assert(
    fc.asyncProperty(scenario, async (operations) => {
      const log = createFakeCoordinatorLog();
      const { shard, clock } = openShard(log);
      await shard.whenLoaded();
      let breach: string | null = null;
      log.onChange(() => {
        const whole = listed(log.history);
        const visible = listed(log.history.slice(log.logStart()));
        if (whole !== visible) breach ??= `${whole} became ${visible}`;
      });
      // Values carry the number of their decision, so that a lost one shows even if an older one was equal.
      let sequence = 0;
      const acknowledged = new Map<string, number>();
      const deleted = new Map<string, number>();
      for (const each of operations) {
        if (each.type === "settle") await settle();
        else if (each.type === "fail") log.failNext(each.fault);
        else if (each.type === "failMove") log.failMoves(1);
        else {
          if (shard.state !== "active") await clock.advance(10_000);
          const number = ++sequence;
          const assignments = each.assignments.map(({ name, value }) => ({
            name,
            value: value === null ? null : `${number}:${value}`,
          }));
          for (const { name, value } of assignments) if (value === null) deleted.set(name, number);
          void set(shard, assignments).then((outcome) => {
            if (outcome.kind === "done")
              for (const { name } of assignments) acknowledged.set(name, number);
          });
        }
      }
      await settle();
      while (shard.state !== "active") {
        await clock.advance(10_000);
        await settle();
      }
      expect(breach).toBeNull();
      const state = shard.peek((machine) => new Map(machine.values));
      expect(state).toEqual(replayed(log.history.slice(log.logStart())));
      for (const [name, number] of acknowledged) {
        const value = state?.get(name);
        const current = value === undefined ? deleted.get(name) : Number(value.split(":")[0]);
        expect(current).toBeGreaterThanOrEqual(number);
      }
    }),
    { numRuns: 40 },
  );
});
