import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import type { FetchRead, PartitionRead } from "../../../../broker/fetch/read-partitions.ts";
import { waitForBytes } from "../../../../broker/fetch/wait-for-bytes.ts";
import type { LogRange } from "../../../../broker/log/log-range.ts";
import type { Partition } from "../../../../broker/replication/partition.ts";
import { wake } from "../../../../broker/replication/partition.ts";

/** A log whose reads are counted, to see that each is let go of once, but for the one that is answered. */
function createScene() {
  const clock = createManualClock();
  const partition = {
    watchers: new Set<() => void>(),
    stirs: new Set<() => void>(),
  } as unknown as Partition;
  const held = new Set<number>();
  const enders = new Set<() => void>();
  const log = { bytes: 0, isUrgent: false, readCount: 0, failsNext: false };

  function readAtOnce(): FetchRead {
    const number = log.readCount++;
    if (log.failsNext) throw new Error("a bug");
    held.add(number);
    const records = {
      byteLength: log.bytes,
      release() {
        expect(held.delete(number)).toBe(true);
      },
    } as unknown as LogRange;
    const reads = [{ error: "NONE", records } as PartitionRead];
    return { reads, totalBytes: log.bytes, isUrgent: log.isUrgent };
  }

  const read = async (): Promise<FetchRead> => readAtOnce();
  const onNews = (listener: () => void) => {
    partition.watchers.add(listener);
    return () => partition.watchers.delete(listener);
  };

  return {
    clock,
    log,
    partition,
    held,
    enders,
    wait: (limits: { minBytes?: number; maxWaitMs?: number } = {}) =>
      waitForBytes({
        clock,
        minBytes: limits.minBytes ?? 1,
        maxWaitMs: limits.maxWaitMs ?? 1_000,
        isVain: false,
        onNews,
        read,
        onEnd(listener) {
          enders.add(listener);
          return () => enders.delete(listener);
        },
      }),
    /** As when all is in memory. */
    waitAtOnce: ({ isEnding = false } = {}) =>
      waitForBytes({
        clock,
        minBytes: 1,
        maxWaitMs: 1_000,
        isVain: false,
        onNews,
        read: readAtOnce,
        onEnd(listener) {
          if (isEnding) listener();
          return () => undefined;
        },
      }),
    expectNothingLeft() {
      expect(partition.watchers.size).toBe(0);
      expect(enders.size).toBe(0);
      expect(clock.nextDueMs()).toBeNull();
    },
  };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test("what is there is answered at once", async () => {
  const scene = createScene();
  scene.log.bytes = 10;
  expect((await scene.wait({ minBytes: 10 })).totalBytes).toBe(10);
  expect(scene.log.readCount).toBe(1);
  scene.expectNothingLeft();
});

test("no time to wait means what is there, little as it is", async () => {
  const scene = createScene();
  expect((await scene.wait({ maxWaitMs: 0 })).totalBytes).toBe(0);
  scene.expectNothingLeft();
});

test("what is urgent is not waited with", async () => {
  const scene = createScene();
  scene.log.isUrgent = true;
  expect((await scene.wait()).isUrgent).toBe(true);
  scene.expectNothingLeft();
});

test("nothing is held while it waits", async () => {
  const scene = createScene();
  scene.log.bytes = 5;
  const answer = scene.wait({ minBytes: 10 });
  await settle();
  expect(scene.held.size).toBe(0);
  scene.log.bytes = 10;
  wake(scene.partition);
  expect((await answer).totalBytes).toBe(10);
  expect(scene.held.size).toBe(1);
  scene.expectNothingLeft();
});

test("a wake without enough is waited through, and not polled", async () => {
  const scene = createScene();
  const answer = scene.wait({ minBytes: 10 });
  await settle();
  const before = scene.log.readCount;
  await settle();
  expect(scene.log.readCount).toBe(before);
  scene.log.bytes = 9;
  wake(scene.partition);
  await settle();
  expect(scene.log.readCount).toBe(before + 1);
  scene.log.bytes = 10;
  wake(scene.partition);
  expect((await answer).totalBytes).toBe(10);
  scene.expectNothingLeft();
});

test("what arrives between the first look and the watching is seen", async () => {
  const scene = createScene();
  const answer = scene.wait();
  // The first read has begun and found nothing; nobody watches yet.
  scene.log.bytes = 1;
  expect((await answer).totalBytes).toBe(1);
  scene.expectNothingLeft();
});

test("when its time is over it is answered with what there is", async () => {
  const scene = createScene();
  const answer = scene.wait({ minBytes: 10, maxWaitMs: 500 });
  await settle();
  scene.log.bytes = 3;
  await scene.clock.advance(499);
  let isOver = false;
  void answer.then(() => (isOver = true));
  await settle();
  expect(isOver).toBe(false);
  await scene.clock.advance(1);
  expect((await answer).totalBytes).toBe(3);
  scene.expectNothingLeft();
});

test("whose client has gone waits no longer", async () => {
  const scene = createScene();
  const answer = scene.wait({ maxWaitMs: 2 ** 31 });
  await settle();
  for (const end of scene.enders) end();
  await answer;
  scene.expectNothingLeft();
});

test("a read that fails leaves nothing behind", async () => {
  const scene = createScene();
  const answer = scene.wait();
  await settle();
  scene.log.failsNext = true;
  wake(scene.partition);
  await expect(answer).rejects.toThrow("a bug");
  expect(scene.held.size).toBe(0);
  scene.expectNothingLeft();
});

test("what was read at once is not looked at again before there is news", async () => {
  const scene = createScene();
  const answer = scene.waitAtOnce();
  await settle();
  expect(scene.log.readCount).toBe(1);
  scene.log.bytes = 1;
  wake(scene.partition);
  expect((await answer).totalBytes).toBe(1);
  expect(scene.log.readCount).toBe(2);
  expect(scene.held.size).toBe(1);
  scene.expectNothingLeft();
});

test("news that comes while it reads, woken by other news, is not missed", async () => {
  const scene = createScene();
  const answer = scene.wait({ minBytes: 2 });
  await settle();
  scene.log.bytes = 1;
  wake(scene.partition);
  // Its read has begun with one byte.
  await Promise.resolve();
  scene.log.bytes = 2;
  wake(scene.partition);
  expect((await answer).totalBytes).toBe(2);
  scene.expectNothingLeft();
});

test("a broker that stops before anyone waits is answered at once, whatever was read", async () => {
  const scene = createScene();
  const answer = scene.waitAtOnce({ isEnding: true });
  expect((await answer).totalBytes).toBe(0);
  scene.expectNothingLeft();
});
