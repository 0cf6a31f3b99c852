import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { startCollecting } from "../../../../broker/cold/start-collecting.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createPartition, type Partition } from "../../../../broker/replication/partition.ts";

const checkMs = 1_000;

function led(index: number): Partition {
  const partition = createPartition("t", index, { failure: null } as never);
  partition.isLeader = true;
  return partition;
}

/** Partitions that all have something to collect; `collected` in the order in which they were asked for. */
function scene(count: number, isFailing: (index: number) => boolean) {
  const partitions = Array.from({ length: count }, (_, index) => led(index));
  const left = new Set(partitions);
  const asked: number[] = [];
  const said: string[] = [];
  const tierWriter = {
    hasLeft: (partition: Partition) => left.has(partition),
    collect: (partition: Partition) => {
      asked.push(partition.index);
      if (isFailing(partition.index))
        return Promise.resolve({ kind: "failed" as const, reason: "away" });
      left.delete(partition);
      return Promise.resolve({ kind: "done" as const });
    },
  };
  const clock = createManualClock();
  const stop = startCollecting(
    {
      topics: { held: () => partitions } as never,
      clock,
      log: { ...silentLog, warn: (message) => said.push(message) },
      tierWriter,
    },
    { checkMs },
  );
  return { partitions, left, asked, said, clock, stop };
}

test("what has left the manifests of partitions led here goes, and of no other", async () => {
  const { partitions, left, clock, stop } = scene(3, () => false);
  partitions[1]!.isLeader = false;
  await clock.advance(checkMs);
  await stop();
  expect([...left]).toEqual([partitions[1]]);
});

test("one that fails is in no other's way, is said, and tried less and less often", async () => {
  const { partitions, left, asked, said, clock, stop } = scene(20, (index) => index === 0);
  for (let round = 0; round < 4; round += 1) await clock.advance(checkMs);
  await stop();
  expect([...left]).toEqual([partitions[0]]);
  const tries = asked.filter((index) => index === 0).length;
  expect(tries).toBeGreaterThan(1);
  expect(tries).toBeLessThan(4);
  expect(said.length).toBe(tries);
});

test("one that throws is in no other's way either", async () => {
  const { partitions, left, said, clock, stop } = scene(20, (index) => {
    if (index === 0) throw new Error("a hole");
    return false;
  });
  await clock.advance(checkMs);
  await stop();
  expect([...left]).toEqual([partitions[0]]);
  expect(said.length).toBe(1);
});

test("a store that does not answer is not asked for every partition, and is asked again", async () => {
  let isAway = true;
  const { left, asked, clock, stop } = scene(60, () => isAway);
  await clock.advance(checkMs);
  expect(asked.length).toBeLessThan(10);
  isAway = false;
  await clock.advance(60_000);
  await stop();
  expect(left.size).toBe(0);
});
