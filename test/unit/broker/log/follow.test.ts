import { describe, expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import { checkAppend } from "../../../../broker/log/producer-state.ts";
import type { PartitionLog } from "../../../../broker/log/partition-log.ts";
import { stampBaseOffset, stampLeaderEpoch } from "../../../../protocol/records/batch.ts";
import {
  appendCommitted,
  appendValues,
  batchOf,
  createLog,
  openTestStore,
  reached,
  readRecords,
  turns,
  type BatchContent,
} from "./store-fixture.ts";

/** A batch as a leader has stamped it. */
function led(baseOffset: number, leaderEpoch: number, content: BatchContent): Uint8Array {
  const { batch } = batchOf(content);
  stampBaseOffset(batch, 0, baseOffset);
  stampLeaderEpoch(batch, 0, leaderEpoch);
  return batch;
}

const options = { leaderEpoch: 5, durability: "fsync", nowMs: 1_000 } as const;

async function follower() {
  const disk = createMemoryDisk();
  const opened = await openTestStore(disk, { isFollower: true });
  return { disk, ...opened, log: opened.store.create("topic", 0) };
}

async function reopened(disk: ReturnType<typeof createMemoryDisk>) {
  const again = disk.crash();
  const opened = await openTestStore(again, { isFollower: true });
  const log = opened.store.partition("topic", 0);
  if (log === undefined) throw new Error("the log is gone");
  return { disk: again, ...opened, log };
}

const values = async (log: PartitionLog): Promise<string[]> =>
  (await readRecords(log)).map(({ offset, value }) => `${offset} ${value}`);

describe("a follower's log", () => {
  test("takes its leader's batches byte for byte, with their epochs and producers", async () => {
    const { log, disk } = await follower();
    const first = led(0, 3, { values: ["a", "b"], producer: { id: 7, epoch: 0, sequence: 0 } });
    const second = led(2, 5, { values: ["c"], producer: { id: 7, epoch: 0, sequence: 2 } });
    expect(log.follow(Buffer.concat([first, second]), options)).toEqual({ kind: "appended" });
    await reached(log, 3);
    const check = async (checked: PartitionLog) => {
      expect(await values(checked)).toEqual(["0 a", "1 b", "2 c"]);
      expect(checked.epochEndOffset(3)).toEqual({ epoch: 3, endOffset: 2 });
      expect(checked.leaderEpoch).toBe(5);
      const retry = {
        producerId: 7,
        producerEpoch: 0,
        baseSequence: 2,
        lastOffsetDelta: 0,
        isTransactional: false,
      };
      expect(checkAppend(checked.producers, retry).kind).toBe("duplicate");
    };
    await check(log);
    await check((await reopened(disk)).log);
  });

  test.each([
    ["that leaves a hole", led(4, 5, { values: ["x"] })],
    ["that it has", led(0, 5, { values: ["x"] })],
    ["of an epoch newer than the one fetched in", led(2, 6, { values: ["x"] })],
    ["of an epoch older than its own last", led(2, 2, { values: ["x"] })],
    ["that is cut off", led(2, 5, { values: ["x"] }).subarray(0, 65)],
  ])("refuses a batch %s, and stays as it is", async (_, batch) => {
    const { log } = await follower();
    log.follow(led(0, 3, { values: ["a", "b"] }), options);
    await reached(log, 2);
    expect(log.follow(batch, options).kind).toBe("refused");
    expect(log.nextOffset).toBe(2);
  });

  test("refuses a batch whose checksum is wrong, and takes what came before it", async () => {
    const { log } = await follower();
    const good = led(0, 5, { values: ["a"] });
    const bad = led(1, 5, { values: ["b"] });
    bad[bad.length - 1]! ^= 1;
    expect(log.follow(Buffer.concat([good, bad]), options).kind).toBe("appended");
    expect(log.nextOffset).toBe(1);
    expect(log.follow(bad, options).kind).toBe("refused");
  });

  test("cut into the batch that holds its start, it begins anew there", async () => {
    const { log, disk } = await follower();
    log.follow(led(0, 3, { values: ["a", "b", "c", "d"] }), options);
    await reached(log, 4);
    log.advanceHighWatermark(2);
    expect(await log.moveLogStart(2)).toBe(true);
    expect(await log.truncateTo(3)).toBe(true);
    const check = async (checked: PartitionLog) => {
      expect([checked.logStartOffset, checked.nextOffset, checked.sizeBytes]).toEqual([2, 2, 0]);
      expect(await values(checked)).toEqual([]);
    };
    await check(log);
    const again = await reopened(disk);
    await check(again.log);
    expect(again.log.follow(led(2, 5, { values: ["C"] }), options).kind).toBe("appended");
    await reached(again.log, 3);
    expect(await values(again.log)).toEqual(["2 C"]);
  });

  test("begun anew inside of a batch, it takes that batch whole, and no other that begins before it", async () => {
    const { log, disk } = await follower();
    expect(await log.restartAt(2)).toBe(true);
    expect(log.follow(led(0, 3, { values: ["a", "b"] }), options).kind).toBe("refused");
    const batches = Buffer.concat([
      led(0, 3, { values: ["a", "b", "c", "d"] }),
      led(4, 3, { values: ["e"] }),
    ]);
    expect(log.follow(batches, options)).toEqual({ kind: "appended" });
    await reached(log, 5);
    expect(log.follow(led(3, 3, { values: ["x", "y", "z"] }), options).kind).toBe("refused");
    // As a leader has it whose start was moved there.
    const { sizeBytes } = log;
    expect(sizeBytes).toBe(await log.sizeBetween(4, 5));
    const check = async (checked: PartitionLog) => {
      expect([checked.logStartOffset, checked.nextOffset]).toEqual([2, 5]);
      expect(checked.sizeBytes).toBe(sizeBytes);
      expect(checked.lineage).toEqual([{ epoch: 3, startOffset: 2 }]);
      expect(await values(checked)).toEqual(expect.arrayContaining(["2 c", "3 d", "4 e"]));
    };
    await check(log);
    const again = await reopened(disk);
    await check(again.log);
    await again.store.close();
    await check((await reopened(again.disk)).log);
  });

  test("cut, it follows on at once and knows the retries of what is left", async () => {
    const { log, disk } = await follower();
    const led7 = (at: number, value: string) =>
      led(at, 3, { values: [value], producer: { id: 7, epoch: 0, sequence: at } });
    for (const [at, value] of ["a", "b", "c"].entries()) log.follow(led7(at, value), options);
    await reached(log, 3);
    expect(await log.truncateTo(2)).toBe(true);
    expect(log.isFollowable).toBe(true);
    const check = (checked: PartitionLog) => {
      const batch = { producerId: 7, producerEpoch: 0, lastOffsetDelta: 0, isTransactional: false };
      const verdicts = [1, 2, 3].map(
        (baseSequence) => checkAppend(checked.producers, { ...batch, baseSequence }).kind,
      );
      expect(verdicts).toEqual(["duplicate", "append", "rejected"]);
    };
    check(log);
    check((await reopened(disk)).log);
  });

  test("begins anew where its leader's log begins, whatever it held, and after any crash", async () => {
    const { log, disk, store } = await follower();
    for (let at = 0; at < 400; at += 1) {
      const batch = led(at, 3, {
        values: ["x".repeat(200)],
        producer: { id: 9, epoch: 0, sequence: at },
      });
      await store.room(batch.length);
      log.follow(batch, options);
      await reached(log, at + 1);
    }
    expect(await log.restartAt(1_000)).toBe(true);
    expect(log.follow(led(1_000, 5, { values: ["new"] }), options).kind).toBe("appended");
    await reached(log, 1_001);
    const again = await reopened(disk);
    expect([again.log.logStartOffset, again.log.nextOffset]).toEqual([1_000, 1_001]);
    expect(await values(again.log)).toEqual(["1000 new"]);
    expect(again.log.epochEndOffset(3)).toEqual({ epoch: 3, endOffset: 1_000 });
    const old = {
      producerId: 9,
      producerEpoch: 0,
      baseSequence: 399,
      lastOffsetDelta: 0,
      isTransactional: false,
    };
    expect(checkAppend(again.log.producers, old, { mustStartAtZero: true }).kind).toBe("rejected");
    // Lower than what it held: nothing of that comes back.
    expect(await again.log.restartAt(100)).toBe(true);
    const last = await reopened(again.disk);
    expect([last.log.logStartOffset, last.log.nextOffset]).toEqual([100, 100]);
    expect(await values(last.log)).toEqual([]);
  });
});

describe("a log with a gap", () => {
  async function withGap() {
    const disk = createMemoryDisk();
    const { store } = await openTestStore(disk);
    const log = createLog(store, "topic", 0);
    log.startLeaderEpoch(3);
    await appendCommitted(store, log, ["a", "b"]);
    expect(await log.skipTo(1_000)).toBe(true);
    log.startLeaderEpoch(9);
    await appendCommitted(store, log, ["c"]);
    return { disk, store, log };
  }

  test("is read across it, from below, from within and from behind, also after a crash", async () => {
    const { disk, log } = await withGap();
    const check = async (checked: PartitionLog) => {
      expect(await values(checked)).toEqual(["0 a", "1 b", "1000 c"]);
      for (const fromOffset of [2, 500, 1_000]) {
        const read = await checked.read({
          fromOffset,
          upToOffset: 1_001,
          maxBytes: 1e6,
          atLeastOneBatch: true,
        });
        expect(read).toMatchObject({ kind: "data", baseOffset: 1_000, nextOffset: 1_001 });
        if (read.kind === "data") read.records.release();
      }
      expect(checked.failure).toBeNull();
    };
    await check(log);
    const again = await reopened(disk);
    await check(again.log);
    // Its footer alone tells by then.
    await check((await reopened(again.disk)).log);
  });

  test("never says that an epoch from before it ends behind it", async () => {
    const { log } = await withGap();
    expect(log.epochEndOffset(3)).toEqual({ epoch: 3, endOffset: 2 });
    expect(log.epochEndOffset(8)).toEqual({ epoch: 3, endOffset: 2 });
    expect(log.epochEndOffset(9)).toEqual({ epoch: 9, endOffset: 1_001 });
  });

  test("keeps it when cut behind it, and loses it when cut at it", async () => {
    const { log, disk } = await withGap();
    expect(await log.truncateTo(1_000, { isRecovery: true })).toBe(true);
    expect([log.nextOffset, log.gaps.length]).toEqual([1_000, 1]);
    expect(await log.truncateTo(700, { isRecovery: true })).toBe(true);
    expect([log.nextOffset, log.gaps.length]).toEqual([2, 0]);
    const { log: found } = await reopened(disk);
    expect([found.nextOffset, found.gaps.length]).toEqual([2, 0]);
    expect(await values(found)).toEqual(["0 a", "1 b"]);
  });

  test("ends at the gap's end for who asks about the older epoch before anything follows", async () => {
    const disk = createMemoryDisk();
    const { store } = await openTestStore(disk);
    const log = createLog(store, "topic", 0);
    log.startLeaderEpoch(3);
    await appendCommitted(store, log, ["a"]);
    await log.skipTo(50);
    expect(log.epochEndOffset(3)).toEqual({ epoch: 3, endOffset: 1 });
    log.startLeaderEpoch(4);
    expect(log.epochEndOffset(4)).toEqual({ epoch: 4, endOffset: 50 });
    appendValues(log, ["b"]);
    await turns(20);
    expect(await values(log)).toEqual(["0 a", "50 b"]);
  });
});
