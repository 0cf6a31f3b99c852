import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { withoutRecords } from "../../../../broker/compaction/clean-batch.ts";
import { createEpochCache } from "../../../../broker/log/epoch-cache.ts";
import { createManifestPages, type TieredView } from "../../../../broker/tiering/manifest-pages.ts";
import {
  nothingExpires,
  type Manifest,
  type SegmentEntry,
} from "../../../../broker/tiering/manifest.ts";
import { objectKey } from "../../../../broker/tiering/object-keys.ts";
import { createPieceCache } from "../../../../broker/tiering/piece-cache.ts";
import type { SegmentEnd } from "../../../../broker/tiering/segment-builder.ts";
import { createTieredReader } from "../../../../broker/tiering/tiered-reader.ts";
import {
  findOffsetByTimestamp,
  maxTimestampOffset,
} from "../../../../broker/tiering/tiered-time-lookup.ts";
import { baseOffsetAt, maxTimestampAt, nextOffsetAt } from "../../../../protocol/records/batch.ts";
import { batchOf, endAt, path, segmentOf, type BatchShape } from "./objects.ts";

type Part = {
  readonly end: number;
  readonly batches: readonly BatchShape[];
  with?: Partial<SegmentEnd>;
};

/** A store with these segments, one behind the other from offset 0 on, and what reads them. */
const world = async (parts: readonly Part[], pieceBytes = 4096, pieceCount = 16) => {
  const objects = createMemoryObjectStore();
  const segments: SegmentEntry[] = [];
  const batches: Uint8Array[] = [];
  let base = 0;
  for (const part of parts) {
    const made = part.batches.map((shape) => batchOf(shape));
    const { bytes, entry } = segmentOf(base, made, endAt(part.end, part.with));
    await objects.put(objectKey(path, entry.name), bytes);
    segments.push(entry);
    batches.push(...made);
    base = part.end;
  }
  const manifest: Manifest = {
    topicId: path.topicId,
    index: path.index,
    leaderEpoch: 1,
    revision: 1,
    logStartOffset: 0,
    pages: [],
    segments,
    leaving: [],
    cleanedTo: 0,
    expiring: nothingExpires,
  };
  const pages = createManifestPages({ objects });
  const pieces = createPieceCache({ objects, pieceBytes, maxBytes: pieceCount * pieceBytes });
  const reader = createTieredReader({ objects, pieces, pages });
  const view: TieredView = { path, manifest };
  return { objects, pieces, reader, pages, view, batches, segments };
};

const all = { upToOffset: Infinity, atLeastOneBatch: true };

const shapes = fc.array(
  fc.record({
    skipped: fc.nat(3),
    records: fc.integer({ min: 1, max: 4 }),
    timestamp: fc.integer({ min: 0, max: 300 }),
    valueBytes: fc.constantFrom(1, 100, 3000, 9000, 40_000),
    cuts: fc.boolean(),
  }),
  { minLength: 1, maxLength: 25 },
);

/** Batches with holes between their offsets, in segments cut after some of them. */
const partsOf = (drawn: ReturnType<typeof shapes.generate>["value"]): Part[] => {
  const parts: Part[] = [];
  let batches: BatchShape[] = [];
  let next = 0;
  for (const { skipped, cuts, ...shape } of drawn) {
    batches.push({ ...shape, baseOffset: next + skipped });
    next += skipped + shape.records;
    if (!cuts) continue;
    parts.push({ end: ++next, batches });
    batches = [];
  }
  if (batches.length > 0) parts.push({ end: next, batches });
  return parts;
};

test("from any offset, any reader gets what a list of the batches says", async () => {
  await fc.assert(
    fc.asyncProperty(
      shapes,
      fc.array(fc.tuple(fc.nat(150), fc.nat(20_000), fc.nat(150), fc.boolean()), { maxLength: 10 }),
      async (drawn, reads) => {
        const { reader, view, batches } = await world(partsOf(drawn));
        for (const [fromOffset, maxBytes, upToOffset, atLeastOneBatch] of reads) {
          const range = { fromOffset, maxBytes, upToOffset, atLeastOneBatch };
          const read = await reader.read(view, range);
          const first = batches.findIndex((batch) => nextOffsetAt(batch, 0) > fromOffset);
          const batch = batches[first];
          const mayGive =
            batch !== undefined &&
            nextOffsetAt(batch, 0) <= upToOffset &&
            (atLeastOneBatch || batch.length <= Math.min(maxBytes, 4096));
          expect(read.kind).toBe(mayGive ? "data" : "empty");
          if (read.kind !== "data" || batch === undefined) continue;
          expect(read.baseOffset).toBe(baseOffsetAt(batch, 0));
          const given = batches
            .slice(first)
            .filter((each) => nextOffsetAt(each, 0) <= read.nextOffset);
          expect(Buffer.compare(read.bytes, Buffer.concat(given))).toBe(0);
          expect(read.nextOffset).toBeLessThanOrEqual(upToOffset);
          if (given.length > 1) expect(read.bytes.length).toBeLessThanOrEqual(maxBytes);
        }
      },
    ),
    { numRuns: 30 },
  );
});

test("records are found by time as a list of the batches says", async () => {
  await fc.assert(
    fc.asyncProperty(
      shapes,
      fc.tuple(fc.nat(100), fc.nat(100), fc.nat(320)),
      async (drawn, [fromOffset, length, timestamp]) => {
        const { reader, pages, view, batches } = await world(partsOf(drawn));
        const upToOffset = fromOffset + length;
        const records = batches
          .filter((batch) => nextOffsetAt(batch, 0) <= upToOffset)
          .flatMap((batch) => {
            const base = baseOffsetAt(batch, 0);
            const count = nextOffsetAt(batch, 0) - base;
            const firstTimestamp = maxTimestampAt(batch, 0) - count + 1;
            return Array.from({ length: count }, (_, at) => ({
              offset: base + at,
              timestamp: firstTimestamp + at,
            }));
          })
          .filter(({ offset }) => offset >= fromOffset);
        const sources = { reader, pages };
        const bounds = { fromOffset, upToOffset };
        const found = await findOffsetByTimestamp(sources, view, { ...bounds, timestamp });
        const expected = records.find((record) => record.timestamp >= timestamp);
        expect(found).toEqual(
          expected === undefined
            ? { kind: "none" }
            : { kind: "found", leaderEpoch: 1, ...expected },
        );
        const max = Math.max(...records.map((record) => record.timestamp));
        const largest = await maxTimestampOffset(sources, view, bounds);
        const first = records.find((record) => record.timestamp === max);
        expect(largest).toEqual(
          first === undefined ? { kind: "none" } : { kind: "found", leaderEpoch: 1, ...first },
        );
      },
    ),
    { numRuns: 30 },
  );
});

const sequential = (count: number, valueBytes: number): BatchShape[] =>
  Array.from({ length: count }, (_, at) => ({ baseOffset: at, valueBytes }));

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("a reader that goes through a segment finds the next pieces there, and each is asked for once", async () => {
  const parts = [{ end: 300, batches: sequential(300, 1000) }];
  const { reader, view, pieces, segments } = await world(parts, 64 * 1024);
  const range = { ...all, maxBytes: 2500 };
  let read = await reader.read(view, { ...range, fromOffset: 0 });
  await settle();
  expect(pieces.getCount).toBe(4);
  while (read.kind === "data" && read.nextOffset < 300) {
    read = await reader.read(view, { ...range, fromOffset: read.nextOffset });
    await settle();
  }
  expect(read.kind).toBe("data");
  expect(pieces.getCount).toBe(Math.ceil(segments[0]!.sizeBytes / (64 * 1024)));
});

test("a reader here and there reads nothing ahead, until it goes on from where it was", async () => {
  const parts = [{ end: 300, batches: sequential(300, 1000) }];
  const { reader, view, pieces } = await world(parts, 64 * 1024);
  const range = { ...all, maxBytes: 2500 };
  const read = await reader.read(view, { ...range, fromOffset: 5 });
  await settle();
  expect(pieces.getCount).toBe(1);
  if (read.kind !== "data") throw new Error(read.kind);
  await reader.read(view, { ...range, fromOffset: read.nextOffset });
  await settle();
  expect(pieces.getCount).toBe(4);
});

test("where there is room for few pieces, one is read ahead: more would push out what others are to read", async () => {
  const parts = [{ end: 300, batches: sequential(300, 1000) }];
  const { reader, view, pieces } = await world(parts, 64 * 1024, 4);
  await reader.read(view, { ...all, maxBytes: 2500, fromOffset: 0 });
  await settle();
  expect(pieces.getCount).toBe(2);
});

test("a segment that is gone or damaged is told, and damage on the way is read anew", async () => {
  const { objects, reader, view, segments } = await world([
    { end: 2, batches: sequential(2, 100) },
    { end: 3, batches: [{ baseOffset: 2 }] },
  ]);
  const [first, second] = segments.map(({ name }) => objectKey(path, name));
  const range = { ...all, fromOffset: 0, maxBytes: 1000 };
  objects.failNext("get");
  expect((await reader.read(view, range)).kind).toBe("unavailable");
  const { bytes } = (await objects.get(first!))!;
  const damaged = bytes.slice();
  damaged[80]! ^= 1;
  await objects.put(first!, damaged);
  expect((await reader.read(view, range)).kind).toBe("corrupt");
  await objects.put(first!, bytes);
  expect((await reader.read(view, range)).kind).toBe("data");
  await objects.delete(second!);
  expect(await reader.read(view, { ...range, fromOffset: 2 })).toEqual({ kind: "gone" });
});

test("a footer that does not say what the manifest says is corrupt", async () => {
  const { reader, view, segments } = await world([{ end: 2, batches: sequential(2, 100) }]);
  const entry = { ...segments[0]!, endOffset: 3 };
  expect((await reader.footer(view, entry)).kind).toBe("corrupt");
});

test("a reader of committed data hears of the aborted transactions in its way, and no longer than it has to", async () => {
  const aborted = (firstOffset: number, lastOffset: number, lastStableOffset: number) => ({
    producerId: firstOffset,
    firstOffset,
    lastOffset,
    lastStableOffset,
  });
  const { reader, view, objects, segments } = await world([
    { end: 10, batches: sequential(10, 10), with: { abortedTransactions: [aborted(1, 4, 4)] } },
    { end: 20, batches: [{ baseOffset: 10, records: 10 }] },
    {
      end: 30,
      batches: [{ baseOffset: 20, records: 10 }],
      with: { abortedTransactions: [aborted(3, 22, 12), aborted(12, 24, 24)] },
    },
    {
      end: 40,
      batches: [{ baseOffset: 30 }],
      with: { abortedTransactions: [aborted(13, 35, 35)] },
    },
  ]);
  const firsts = async (fromOffset: number, upToOffset: number) => {
    const found = await reader.abortedTransactions(view, fromOffset, upToOffset);
    return found.kind === "aborts" ? found.transactions.map((each) => each.firstOffset) : found;
  };
  expect(await firsts(0, 5)).toEqual([1, 3]);
  expect(await firsts(5, 12)).toEqual([3]);
  expect(await firsts(5, 13)).toEqual([3, 12]);
  expect(await firsts(25, 40)).toEqual([13]);
  // The last stable offset of a marker in the third segment says that the fourth one is not needed.
  await objects.delete(objectKey(path, segments[3]!.name));
  expect(await firsts(0, 24)).toEqual([1, 3, 12]);
});

test("a replica that begins at the tiered end gets epochs, producers and gaps from there", async () => {
  const epochs = createEpochCache([
    { epoch: 1, startOffset: 0 },
    { epoch: 3, startOffset: 5 },
  ]);
  const gaps = [{ end: 2, start: 4 }];
  const { reader, view } = await world([
    { end: 10, batches: sequential(10, 10) },
    {
      end: 20,
      batches: [{ baseOffset: 10 }],
      with: { epochs, gaps, openTransactions: [{ producerId: 6, firstOffset: 11 }] },
    },
  ]);
  expect(await reader.epochsAndProducersAt(view, 20)).toMatchObject({
    kind: "end",
    endOffset: 20,
    epochs: epochs.entries,
    gaps,
    openTransactions: [{ producerId: 6, firstOffset: 11 }],
  });
  expect(await reader.epochsAndProducersAt(view, 15)).toEqual({ kind: "none" });
  expect(await reader.epochsAndProducersAt(view, 21)).toEqual({ kind: "none" });
});

test("a batch that compaction has left without records has no time that anything is found by", async () => {
  const emptied = withoutRecords(batchOf({ baseOffset: 1, timestamp: 900 }), 0, true);
  if (emptied.kind !== "emptied") throw new Error(emptied.kind);
  const batches = [
    batchOf({ baseOffset: 0, timestamp: 100 }),
    emptied.bytes,
    batchOf({ baseOffset: 2, timestamp: 300 }),
    batchOf({ baseOffset: 3, timestamp: 500 }),
  ];
  const { bytes, entry } = segmentOf(0, batches, endAt(4));
  expect(entry.maxTimestamp).toBe(500);
  const { objects, reader, pages, view } = await world([]);
  await objects.put(objectKey(path, entry.name), bytes);
  const manifest = { ...view.manifest, segments: [entry] };
  const bounds = { fromOffset: 0, upToOffset: 4 };
  const found = await maxTimestampOffset({ reader, pages }, { path, manifest }, bounds);
  expect(found).toMatchObject({ kind: "found", offset: 3, timestamp: 500 });
});
