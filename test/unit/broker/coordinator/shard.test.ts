import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { defaultShardLimits } from "../../../../broker/coordinator/shard-limits.ts";
import { CoordinatorShard } from "../../../../broker/coordinator/shard.ts";
import type { ShardLimits } from "../../../../broker/coordinator/shard-limits.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createFakeCoordinatorLog } from "./fake-coordinator-log.ts";
import { RegisterMachine, replayed } from "./register-machine.ts";
import type { Assignment } from "./register-machine.ts";

function createShard(limits: Partial<ShardLimits> = {}, log = createFakeCoordinatorLog()) {
  const clock = createManualClock();
  const machines: RegisterMachine[] = [];
  const shard = new CoordinatorShard<Assignment, RegisterMachine>({
    name: "registers-0",
    clock,
    log,
    createMachine: () => {
      const machine = new RegisterMachine();
      machines.push(machine);
      return machine;
    },
    limits: { ...defaultShardLimits, ...limits },
    output: silentLog,
  });
  const set = (name: string, value: string | null) =>
    shard.write(() => ({ entries: [{ name, value }], reply: `${name} is ${value}` }));
  const values = () => shard.peek((machine) => Object.fromEntries(machine.values));
  return { shard, log, clock, machines, set, values };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** What a promise has come to by now. */
async function stateOf<T>(promise: Promise<T>): Promise<T | "pending"> {
  await settle();
  return Promise.race([promise, Promise.resolve("pending" as const)]);
}

test("a decision changes the state at once, and its reply waits until its entries are committed", async () => {
  const { shard, log, set, values } = createShard();
  await shard.whenLoaded();
  log.hold();
  const reply = set("a", "1");
  expect(values()).toEqual({ a: "1" });
  expect(await stateOf(reply)).toBe("pending");
  log.release();
  expect(await reply).toEqual({ kind: "done", reply: "a is 1" });
});

test("decisions made while an append is in flight travel together in the next one", async () => {
  const { shard, log, set } = createShard();
  await shard.whenLoaded();
  log.hold();
  const replies = [set("a", "1")];
  await settle();
  for (let index = 0; index < 50; index++) replies.push(set(`b${index}`, "2"));
  log.release();
  await Promise.all(replies);
  expect(log.batchSizes).toHaveLength(2);
});

test("a read answers only when everything it saw is committed", async () => {
  const { shard, log, set } = createShard();
  await shard.whenLoaded();
  expect(await shard.read((machine) => machine.values.size)).toEqual({ kind: "done", reply: 0 });
  log.hold();
  void set("a", "1");
  const read = shard.read((machine) => machine.values.get("a"));
  expect(await stateOf(read)).toBe("pending");
  log.release();
  expect(await read).toEqual({ kind: "done", reply: "1" });
});

test("a decision without entries is answered at once even while an append hangs", async () => {
  const { shard, log, set } = createShard();
  await shard.whenLoaded();
  log.hold();
  void set("a", "1");
  const reply = shard.write(() => ({ entries: [], reply: "alive" }));
  expect(await stateOf(reply)).toEqual({ kind: "done", reply: "alive" });
});

test.each(["refused", "fenced"] as const)(
  "an append that is %s rolls the state back and answers everything parked retriably",
  async (fault) => {
    const { shard, log, clock, machines, set, values } = createShard();
    await shard.whenLoaded();
    await set("a", "1");
    log.hold();
    log.failNext(fault);
    const failing = set("a", "2");
    await settle();
    const queued = set("b", "3");
    const read = shard.read((machine) => machine.values.get("a"));
    log.release();
    const error = fault === "fenced" ? "NOT_COORDINATOR" : "COORDINATOR_NOT_AVAILABLE";
    for (const reply of [failing, queued, read])
      expect(await reply).toEqual({ kind: "failed", error });
    expect(machines[0]?.abandonedWith).toEqual([error]);
    expect(await set("c", "4")).toEqual({ kind: "failed", error });
    await clock.advance(defaultShardLimits.retryMinimumMs);
    expect(shard.state).toBe("active");
    expect(values()).toEqual({ a: "1" });
  },
);

test("an append whose outcome was lost is found by the reload, not guessed", async () => {
  const { shard, log, clock, set, values } = createShard();
  await shard.whenLoaded();
  log.failNext("unknown");
  expect(await set("a", "1")).toEqual({ kind: "failed", error: "COORDINATOR_NOT_AVAILABLE" });
  await clock.advance(defaultShardLimits.retryMinimumMs);
  expect(values()).toEqual({ a: "1" });
});

test("requests are told to wait while the state loads, and a log that cannot be read is tried again ever more slowly", async () => {
  const log = createFakeCoordinatorLog();
  log.failReads(3);
  const { shard, clock, set } = createShard({}, log);
  expect(await set("a", "1")).toEqual({ kind: "failed", error: "COORDINATOR_LOAD_IN_PROGRESS" });
  await settle();
  expect(shard.state).toBe("failed");
  await clock.advance(100 + 200);
  expect(shard.state).toBe("failed");
  await clock.advance(400);
  expect(shard.state).toBe("active");
});

test("a record that this version does not know stops the shard from serving half a state", async () => {
  const log = createFakeCoordinatorLog();
  await log.append([{ key: Buffer.from("unreadable"), value: Buffer.from("?") }]);
  const { shard, set } = createShard({}, log);
  await settle();
  expect(shard.state).toBe("failed");
  expect(await set("a", "1")).toEqual({ kind: "failed", error: "COORDINATOR_NOT_AVAILABLE" });
});

test("closing answers what is parked with NOT_COORDINATOR, and so everything after", async () => {
  const { shard, log, machines, set } = createShard();
  await shard.whenLoaded();
  log.hold();
  const inFlight = set("a", "1");
  await settle();
  const queued = set("b", "1");
  shard.close();
  log.release();
  for (const reply of [inFlight, queued, set("c", "1")])
    expect(await reply).toEqual({ kind: "failed", error: "NOT_COORDINATOR" });
  expect(machines[0]?.abandonedWith).toEqual(["NOT_COORDINATOR"]);
});

test("a decision too large for a batch is refused and changes nothing", async () => {
  const { shard, log, values } = createShard({ batchBytes: 1_000 });
  await shard.whenLoaded();
  let told = 0;
  const reply = await shard.write(() => ({
    entries: [{ name: "a", value: "x".repeat(2_000) }],
    reply: null,
    tooLarge: () => (told += 1),
  }));
  expect(reply).toEqual({ kind: "failed", error: "RECORD_LIST_TOO_LARGE" });
  expect(told).toBe(1);
  expect(values()).toEqual({});
  expect(log.history).toHaveLength(0);
});

test("a full queue refuses decisions instead of growing", async () => {
  const { shard, log, set } = createShard({ queueBytes: 1_000, queueCount: 10 });
  await shard.whenLoaded();
  log.hold();
  void set("first", "in flight");
  await settle();
  void set("a", "x".repeat(1_000));
  expect(await set("b", "1")).toEqual({ kind: "failed", error: "COORDINATOR_LOAD_IN_PROGRESS" });
  log.release();
  await settle();
  expect(await set("b", "1")).toMatchObject({ kind: "done" });
  log.hold();
  void set("again", "in flight");
  await settle();
  const reads = Array.from({ length: 12 }, () => shard.read(() => "seen"));
  expect(await reads[11]).toEqual({ kind: "failed", error: "COORDINATOR_LOAD_IN_PROGRESS" });
  log.release();
  expect(await reads[9]).toEqual({ kind: "done", reply: "seen" });
});

test("timers decide like requests do", async () => {
  const { shard, log, clock, set, values } = createShard();
  await shard.whenLoaded();
  await set("a", "1");
  await shard.write((machine, time) => {
    machine.alarm = { atMs: time.nowMs + 500, name: "a" };
    return { entries: [], reply: null };
  });
  await clock.advance(499);
  expect(values()).toEqual({ a: "1" });
  await clock.advance(1);
  expect(values()).toEqual({});
  expect(replayed(log.history).size).toBe(0);
});

test("decisions reach the log in the order they were made, batches split where they are full", async () => {
  const { shard, log, set } = createShard({ batchBytes: 300, queueBytes: 10_000 });
  await shard.whenLoaded();
  const replies = Array.from({ length: 40 }, (_, index) => set("a", `${index}`));
  await Promise.all(replies);
  expect(log.history.map(({ value }) => Buffer.from(value ?? []).toString())).toEqual(
    Array.from({ length: 40 }, (_, index) => `${index}`),
  );
  expect(Math.max(...log.batchSizes)).toBeLessThanOrEqual(300);
});

const notAvailable = { kind: "failed", error: "COORDINATOR_NOT_AVAILABLE" };

test("with too few replicas in sync a decision is refused at once, and neither state nor what needs no append is lost", async () => {
  const { shard, log, set, values, machines } = createShard();
  await shard.whenLoaded();
  await set("a", "1");
  log.runShort(true);
  expect(await set("a", "2")).toEqual(notAvailable);
  expect(await shard.write(() => ({ entries: [], reply: "alive" }), "decide")).toMatchObject({
    kind: "done",
  });
  expect(await shard.read((machine) => machine.values.get("a"))).toMatchObject({ reply: "1" });
  log.runShort(false);
  expect(await set("a", "3")).toMatchObject({ kind: "done" });
  expect(values()).toEqual({ a: "3" });
  expect(machines).toHaveLength(1);
});

test("nobody waits for a commit past the limit, and what is committed later counts", async () => {
  const { shard, log, clock, set, values, machines } = createShard();
  await shard.whenLoaded();
  log.hold();
  const inFlight = set("a", "1");
  await settle();
  await clock.advance(2_000);
  const queued = set("b", "2");
  const read = shard.read((machine) => machine.values.size);
  await clock.advance(2_999);
  expect(await stateOf(inFlight)).toBe("pending");
  await clock.advance(1);
  expect(await inFlight).toEqual(notAvailable);
  expect(await stateOf(queued)).toBe("pending");
  await clock.advance(2_000);
  for (const late of [queued, read]) expect(await late).toEqual(notAvailable);
  log.release();
  await settle();
  expect(Object.fromEntries(replayed(log.history))).toEqual({ a: "1", b: "2" });
  expect(values()).toEqual({ a: "1", b: "2" });
  expect(machines).toHaveLength(1);
});

test("while nothing commits, requests are refused at once instead of queueing, until something does", async () => {
  const { shard, log, clock, set } = createShard();
  await shard.whenLoaded();
  log.hold();
  void set("a", "1");
  await clock.advance(5_000);
  expect(await stateOf(set("b", "2"))).toEqual(notAvailable);
  expect(await stateOf(shard.read(() => "seen"))).toEqual(notAvailable);
  const alive = shard.write(() => ({ entries: [], reply: "alive" }), "decide");
  expect(await stateOf(alive)).toMatchObject({ kind: "done" });
  log.release();
  await settle();
  expect(await set("b", "2")).toMatchObject({ kind: "done" });
  expect(Object.fromEntries(replayed(log.history))).toEqual({ a: "1", b: "2" });
});

test("an append that fails past the limit is as if it had never been decided", async () => {
  const { shard, log, clock, set, values } = createShard();
  await shard.whenLoaded();
  log.hold();
  log.failNext("refused");
  const reply = set("a", "1");
  await clock.advance(5_000);
  expect(await reply).toEqual(notAvailable);
  log.release();
  await settle();
  await clock.advance(defaultShardLimits.retryMinimumMs);
  expect(values()).toEqual({});
  expect(await set("a", "2")).toMatchObject({ kind: "done" });
});

test("a decision that has an answer for it is asked once it is overdue, and still told its outcome", async () => {
  const { shard, log, clock, values } = createShard();
  await shard.whenLoaded();
  log.hold();
  let overdueCount = 0;
  const overdue = () => {
    overdueCount += 1;
    return { entries: [{ name: "b", value: "overdue" }], reply: null };
  };
  const reply = shard.write(() => ({
    entries: [{ name: "a", value: "1" }],
    reply: "kept",
    overdue,
  }));
  await clock.advance(20_000);
  expect(overdueCount).toBe(1);
  expect(values()).toEqual({ a: "1", b: "overdue" });
  expect(await stateOf(reply)).toBe("pending");
  log.release();
  expect(await reply).toEqual({ kind: "done", reply: "kept" });
  await settle();
  expect(Object.fromEntries(replayed(log.history))).toEqual({ a: "1", b: "overdue" });
});

test("no timer stays behind when everything is answered, nor when the shard closes on a hanging append", async () => {
  const { shard, log, clock, set } = createShard();
  await shard.whenLoaded();
  await set("a", "1");
  await clock.advance(5_000);
  expect(clock.nextDueMs()).toBeNull();
  log.hold();
  const reply = set("a", "2");
  await settle();
  shard.close();
  expect(await reply).toEqual({ kind: "failed", error: "NOT_COORDINATOR" });
  expect(clock.nextDueMs()).toBeNull();
});
