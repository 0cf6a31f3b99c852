import { expect, test } from "vitest";
import { isTombstone, keyOf } from "../client/record-key.ts";
import { checkHistory } from "./check-history.ts";
import type { History, SentBatch } from "./history.ts";
import { newHistory } from "./history.ts";

const partition = "topic/0" as const;
const keyCount = 2;

/** The first record from `from` on of key 0 that is a tombstone, or is none. */
function next(from: number, isDeletion: boolean): number {
  for (let counter = from; ; counter++) {
    const record = { producer: 1, counter };
    if (keyOf(record, keyCount) === 0 && isTombstone(record) === isDeletion) return counter;
  }
}

const older = next(0, false);
const newer = next(older + 1, false);
const deletion = next(newer + 1, true);

const sent = (counter: number, changed: Partial<SentBatch> = {}): SentBatch => ({
  producer: 1,
  first: counter,
  count: 1,
  partition,
  acks: -1,
  isIdempotent: true,
  sentMs: counter,
  outcome: "acknowledged",
  settledMs: counter + 1,
  baseOffset: counter,
  ...changed,
});

/** Every record is at the offset of its own number. */
function ends(batches: readonly SentBatch[], left: readonly number[]): string[] {
  const history: History = newHistory();
  history.sent.push(...batches);
  history.compacted.set(partition, keyCount);
  history.final.set(partition, {
    logStartOffset: 0,
    endOffset: deletion + 1,
    records: left.map((counter) => ({ producer: 1, counter, offset: counter })),
    strangers: [],
    skipped: [],
    gaps: [],
    excused: [],
  });
  return checkHistory(history).map(({ kind }) => kind);
}

test("only the last of a key has to be there", () => {
  const batches = [sent(older), sent(newer)];
  expect(ends(batches, [newer])).toEqual([]);
  expect(ends(batches, [older, newer])).toEqual([]);
  expect(ends(batches, [older])).toEqual(["lost"]);
  expect(ends(batches, [])).toEqual(["lost"]);
});

test("what a tombstone deletes is gone with it, or before it", () => {
  const batches = [sent(older), sent(newer), sent(deletion)];
  expect(ends(batches, [])).toEqual([]);
  expect(ends(batches, [deletion])).toEqual([]);
  expect(ends(batches, [older, newer, deletion])).toEqual([]);
  expect(ends(batches, [newer])).toEqual(["lost"]);
});

test("a tombstone of which nobody knows whether it was written may have deleted its key", () => {
  const perhaps = sent(deletion, { outcome: "unknown", baseOffset: -1 });
  expect(ends([sent(newer), perhaps], [])).toEqual([]);
  expect(ends([sent(newer), { ...perhaps, outcome: "refused" }], [])).toEqual(["lost"]);
});
