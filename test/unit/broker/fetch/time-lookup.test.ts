import { expect, test } from "vitest";
import { maxTimestampAt, offsetByTimestamp } from "../../../../broker/fetch/time-lookup.ts";
import type { TimestampedOffset } from "../../../../broker/log/partition-log.ts";
import type { OffsetBounds } from "../../../../broker/tiering/tiered-time-lookup.ts";

// A log of 200 records, each of its offset's time, of which the object store has the first half; another 50 are let go of when it has been looked at.

const at = (offset: number): TimestampedOffset => ({ offset, timestamp: offset, leaderEpoch: 1 });

function source() {
  const log = { logStartOffset: 0, localStartOffset: 100 };
  const within = (bounds: OffsetBounds, timestamp: number) => {
    const first = Math.max(bounds.fromOffset, timestamp);
    log.localStartOffset = 150;
    return Promise.resolve(first < bounds.upToOffset ? at(first) : null);
  };
  const tier = {
    findOffsetByTimestamp: (_place: unknown, asked: OffsetBounds & { timestamp: number }) =>
      within(asked, asked.timestamp),
    maxTimestampOffset: (_place: unknown, asked: OffsetBounds) =>
      within(asked, asked.upToOffset - 1),
  };
  const here = {
    findOffsetByTimestamp: (timestamp: number, end: number) => {
      const first = Math.max(log.localStartOffset, timestamp);
      return Promise.resolve(first < end ? at(first) : null);
    },
    maxTimestampOffset: (end: number) =>
      Promise.resolve(end > log.localStartOffset ? at(end - 1) : null),
  };
  const partition = { topicId: "t", index: 0, log: Object.assign(log, here) as never };
  return { partition, tier };
}

test("a record that is let go of here between the two looks is found by its time", async () => {
  expect(await offsetByTimestamp(source(), { timestamp: 120, end: 200 })).toEqual(at(120));
});

test("and so is the one with the largest timestamp", async () => {
  expect(await maxTimestampAt(source(), 130)).toEqual(at(129));
});
