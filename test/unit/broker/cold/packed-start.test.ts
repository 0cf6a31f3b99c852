import { expect, test } from "vitest";
import { createPackedStarts } from "../../../../broker/cold/packed-start.ts";
import type { Partition } from "../../../../broker/replication/partition.ts";

type Given = {
  leaderState?: { startOffset: number };
  logStartOffset: number;
  highWatermark: number;
  packedEnd?: number;
};

function scene() {
  const log = { logStartOffset: 0, localStartOffset: 0, highWatermark: 100 };
  const partition = { log, packedEnd: 0, tieredEnd: -1 };
  const packedStart = createPackedStarts();
  return ({ packedEnd = partition.packedEnd, leaderState, ...at }: Given): number => {
    const { logStartOffset, highWatermark } = at;
    Object.assign(log, { logStartOffset, localStartOffset: logStartOffset, highWatermark });
    Object.assign(partition, { packedEnd, leaderState });
    return packedStart(partition as unknown as Partition);
  };
}

test("a log start counts once packs have what was committed when it moved", () => {
  const startAfter = scene();
  expect(startAfter({ logStartOffset: 0, highWatermark: 100, packedEnd: 100 })).toBeLessThan(1);
  expect(startAfter({ logStartOffset: 100, highWatermark: 150 })).toBeLessThan(100);
  expect(startAfter({ logStartOffset: 100, highWatermark: 180, packedEnd: 150 })).toBe(100);
});

test("a log start that moves on while no pack can be put makes nothing count", () => {
  const startAfter = scene();
  startAfter({ logStartOffset: 0, highWatermark: 100, packedEnd: 100 });
  startAfter({ logStartOffset: 100, highWatermark: 150 });
  for (const logStartOffset of [150, 200, 250])
    expect(startAfter({ logStartOffset, highWatermark: logStartOffset + 50 })).toBeLessThan(100);
});

test("of a log that is empty nothing is waited for", () => {
  const startAfter = scene();
  startAfter({ logStartOffset: 0, highWatermark: 100, packedEnd: 50 });
  startAfter({ logStartOffset: 100, highWatermark: 100 });
  expect(startAfter({ logStartOffset: 100, highWatermark: 100 })).toBe(100);
});

test("a new leader whose high watermark lies behind what may be committed makes nothing count", () => {
  const startAfter = scene();
  const leaderState = { startOffset: 180 };
  // What its predecessor wrote again ends at 180, and is in no pack.
  for (const packedEnd of [50, 105, 105])
    expect(
      startAfter({ logStartOffset: 100, highWatermark: 105, packedEnd, leaderState }),
    ).toBeLessThan(100);
  startAfter({ logStartOffset: 100, highWatermark: 185, packedEnd: 105, leaderState });
  const packedEnd = 185;
  expect(startAfter({ logStartOffset: 100, highWatermark: 190, packedEnd, leaderState })).toBe(100);
});
