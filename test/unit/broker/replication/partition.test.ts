import { beforeEach, describe, expect, test } from "vitest";
import type { PartitionLog } from "../../../../broker/log/partition-log.ts";
import type { Partition } from "../../../../broker/replication/partition.ts";
import {
  advance,
  becomeLeader,
  createPartition,
  fail,
  resign,
  wake,
  whenCommitted,
  whenWritten,
} from "../../../../broker/replication/partition.ts";

/** As much of a log as a partition's role needs: where it ends, and which epochs were begun. */
function createLog() {
  const log = {
    logEndOffset: 0,
    highWatermark: 0,
    epochs: [] as number[],
    startLeaderEpoch: (epoch: number) => void log.epochs.push(epoch),
    advanceHighWatermark(offset: number) {
      expect(offset).toBeGreaterThanOrEqual(log.highWatermark);
      log.highWatermark = offset;
    },
  };
  return log;
}

let log: ReturnType<typeof createLog>;
let partition: Partition;
let told: [string, boolean][];

beforeEach(() => {
  log = createLog();
  partition = createPartition("AAAAAAAAAAAAAAAAAAAAAQ", 0, log as unknown as PartitionLog);
  told = [];
});

/** Alone: no other replica. */
const lead = (led: Partition, leaderEpoch: number): void => {
  const only = [1];
  const sets = { replicas: only, adding: [], isr: only, elr: [], lastIsr: only };
  const at = { selfId: 1, nowMs: 0, brokerEpochOf: () => 1 };
  becomeLeader(led, { leaderEpoch, partitionEpoch: leaderEpoch, ...sets }, at);
};

const inEpoch3 = (endOffset: number) => ({ endOffset, leaderEpoch: 3 });
const tell = (name: string) => (isDone: boolean) => void told.push([name, isDone]);

function write(endOffset: number): void {
  log.logEndOffset = endOffset;
  advance(partition);
}

describe("a leader", () => {
  beforeEach(() => lead(partition, 3));

  test("begins its epoch in the log, once", () => {
    lead(partition, 3);
    lead(partition, 4);
    expect(log.epochs).toEqual([3, 4]);
  });

  test("shows what is written", () => {
    write(5);
    expect(log.highWatermark).toBe(5);
  });

  test("answers who waits for no more than that, in the order of offsets", () => {
    whenCommitted(partition, inEpoch3(2), tell("two"));
    whenCommitted(partition, inEpoch3(5), tell("five"));
    whenCommitted(partition, inEpoch3(6), tell("six"));
    write(5);
    expect(told).toEqual([
      ["two", true],
      ["five", true],
    ]);
    write(6);
    expect(told.at(-1)).toEqual(["six", true]);
  });

  test("answers at once what is committed already", () => {
    write(5);
    whenCommitted(partition, inEpoch3(5), tell("committed"));
    whenWritten(partition, inEpoch3(5), tell("written"));
    expect(told).toEqual([
      ["committed", true],
      ["written", true],
    ]);
  });

  test("wakes its watchers when there is more to see, and only then", () => {
    let wakes = 0;
    partition.watchers.add(() => wakes++);
    write(5);
    write(5);
    expect(wakes).toBe(1);
  });

  test("that resigns tells everyone who waits, and its watchers", () => {
    let wakes = 0;
    partition.watchers.add(() => wakes++);
    whenCommitted(partition, inEpoch3(1), tell("committed"));
    whenWritten(partition, inEpoch3(1), tell("written"));
    resign(partition);
    expect(new Map(told)).toEqual(
      new Map([
        ["committed", false],
        ["written", false],
      ]),
    );
    expect(wakes).toBe(1);
    write(5);
    expect(log.highWatermark).toBe(0);
  });

  test("does not take up a term that failed", () => {
    fail(partition);
    expect(partition.isLeader).toBe(false);
    expect(() => lead(partition, 3)).toThrow("a term that failed");
    lead(partition, 4);
    expect(partition.isLeader).toBe(true);
  });

  // A request whose other batches waited for room asks late; the offsets it got may have been handed out again.
  test.each(["while nobody leads", "once a newer term has filled its offsets"])(
    "does not promise what was appended in a term that failed, %s",
    (when) => {
      fail(partition);
      if (when.startsWith("once")) {
        lead(partition, 4);
        write(5);
      }
      whenCommitted(partition, inEpoch3(2), tell("committed"));
      whenWritten(partition, inEpoch3(2), tell("written"));
      expect(told).toEqual([
        ["committed", false],
        ["written", false],
      ]);
    },
  );

  test("never leads in an older epoch", () => {
    expect(() => lead(partition, 2)).toThrow("leader epochs only grow");
  });
});

test("who leads after a restart shows at once what its log holds", () => {
  log.logEndOffset = 7;
  lead(partition, 1);
  expect(log.highWatermark).toBe(7);
});

test("who does not lead shows nothing new", () => {
  write(5);
  expect(log.highWatermark).toBe(0);
});

test("watchers may leave, and others with them, while they are woken", () => {
  const seen: string[] = [];
  const second = () => void seen.push("second");
  const first = () => {
    seen.push("first");
    partition.watchers.delete(first);
    partition.watchers.delete(second);
  };
  partition.watchers.add(first).add(second);
  wake(partition);
  expect(seen).toContain("first");
  expect(partition.watchers.size).toBe(0);
});
