import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import type { TierRead } from "../../../../broker/cold/tier.ts";
import { readTier } from "../../../../broker/fetch/read-tier.ts";
import type { ReadRequest } from "../../../../broker/log/partition-log.ts";
import { createPartition } from "../../../../broker/replication/partition.ts";

const request = { fromOffset: 5, upToOffset: 200, maxBytes: 10, atLeastOneBatch: false };

/** A log that has from 100 on, and what it is asked for. */
function readThrough(answer: TierRead | Promise<TierRead>) {
  const asked: ReadRequest[] = [];
  const log = {
    localStartOffset: 100,
    read(here: ReadRequest) {
      asked.push(here);
      return { kind: "data", baseOffset: 100, nextOffset: 101 };
    },
  };
  const clock = createManualClock();
  const partition = createPartition("t", 0, log as never);
  const source = { tier: { read: () => Promise.resolve(answer) }, clock };
  return { asked, clock, log, read: readTier(source, partition, request) };
}

test("a batch that is in the object store and does not fit is not passed over for one that is here and would", async () => {
  const { asked, read } = readThrough({ kind: "empty", isAtEnd: false });
  expect(await read).toEqual({ kind: "empty", nextBatchBytes: 0 });
  expect(asked).toEqual([]);
});

test("where compaction has left nothing in the object store, the log goes on here", async () => {
  const { asked, read } = readThrough({ kind: "empty", isAtEnd: true });
  expect(await read).toMatchObject({ kind: "data", baseOffset: 100 });
  expect(asked).toEqual([{ ...request, fromOffset: 100 }]);
});

test("what is let go of here while the object store is looked at is not passed over", async () => {
  let give: (read: TierRead) => void = () => undefined;
  const { asked, log, read } = readThrough(new Promise((resolve) => (give = resolve)));
  // What was read there is a manifest that ends at 100; [100, 150) went up behind it.
  log.localStartOffset = 150;
  give({ kind: "empty", isAtEnd: true });
  await read;
  expect(asked).toEqual([{ ...request, fromOffset: 100 }]);
});

test("a store that takes its time keeps a fetch waiting for half a second, and what comes then is let go of", async () => {
  let give: (read: TierRead) => void = () => undefined;
  const { clock, read } = readThrough(new Promise((resolve) => (give = resolve)));
  await clock.advance(500);
  expect(await read).toEqual({ kind: "empty", nextBatchBytes: 0 });
  let released = 0;
  const records = { release: () => (released += 1) } as never;
  give({ kind: "data", records, baseOffset: 5, nextOffset: 6 });
  await clock.advance(1);
  expect(released).toBe(1);
});
