import { expect, test } from "vitest";
import {
  createCleaning,
  endCleaning,
  mapBatches,
  rewriteBatches,
} from "../../../../broker/compaction/cleaner.ts";
import { keyMapBytes } from "../../../../broker/compaction/key-map.ts";
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  baseTimestampAt,
  batchHeaderBytes,
  codecAt,
  hasDeleteHorizonAt,
  isControlAt,
  isCrcValidAt,
  isTransactionalAt,
  lastOffsetAt,
  lastSequenceAt,
  leaderEpochAt,
  maxTimestampAt,
  producerEpochAt,
  producerIdAt,
  recordCountAt,
  stampLogAppendTime,
} from "../../../../protocol/records/batch.ts";
import { decodeBatch } from "../../../../protocol/records/decode.ts";
import { buildLeaderChange } from "../../../../protocol/records/control.ts";
import { stampBaseOffset } from "../../../../protocol/records/batch.ts";
import { codecNames } from "../../../../protocol/compression/codec.ts";
import {
  baseOffsetsOf,
  batch,
  clean,
  jobWith,
  marker,
  record,
  recordsOf,
} from "./cleaning-fixture.ts";

const filler = (baseOffset: number): Uint8Array => batch(baseOffset, [record("filler", "f")]);

test("of each key the latest record stays, at its offset", () => {
  const log = [
    batch(0, [record("a", "1"), record("b", "1"), record("a", "2")]),
    batch(3, [record("c", "1"), record("a", "3")]),
    batch(5, [record("d", "1")]),
  ];
  const { batches, summary } = clean(log);
  expect(recordsOf(batches)).toEqual(["1 b=1", "3 c=1", "4 a=3", "5 d=1"]);
  expect(summary).toMatchObject({ cleanedTo: 6, recordsRead: 6, recordsKept: 4, keyCount: 4 });
  expect(summary.bytesRead).toBe(log.reduce((sum, { length }) => sum + length, 0));
  expect(summary.bytesKept).toBe(batches.reduce((sum, { length }) => sum + length, 0));
});

test("a record without a key goes", () => {
  const { batches } = clean([batch(0, [record(null, "1"), record("a", "1")]), filler(2)]);
  expect(recordsOf(batches)).toEqual(["1 a=1", "2 filler=f"]);
});

test("a batch that loses nothing comes out byte for byte, and so does a piece of such batches", () => {
  const log = [batch(0, [record("a", "1")], { codec: "zstd", compressionLevel: 19 }), filler(1)];
  const { batches } = clean(log);
  expect(batches).toEqual(log.map((bytes) => new Uint8Array(bytes)));
  const cleaning = createCleaning(jobWith());
  mapBatches(cleaning, log[0]!);
  const rewritten = rewriteBatches(cleaning, log[0]!);
  expect(rewritten.kind === "rewritten" && rewritten.bytes === log[0]).toBe(true);
});

test.each(codecNames)(
  "a %s batch that loses records keeps offsets, sequences, epochs and codec",
  (codec) => {
    const old = batch(
      100,
      [
        record("a", "1", 5_000),
        record("b", "1", 4_000),
        record("a", "2", 3_000),
        record("a", "3", 9),
      ],
      { codec, producerId: 77, producerEpoch: 3, baseSequence: 40, leaderEpoch: 6 },
    );
    const { batches } = clean([old, batch(104, [record("a", "4")])]);
    const [cleaned] = batches;
    expect(recordsOf([cleaned!])).toEqual(["101 b=1"]);
    expect(isCrcValidAt(cleaned!, 0)).toBe(true);
    expect(codecAt(cleaned!, 0)).toBe(codec);
    expect(baseOffsetAt(cleaned!, 0)).toBe(100);
    expect(lastOffsetAt(cleaned!, 0)).toBe(103);
    expect([baseSequenceAt(cleaned!, 0), lastSequenceAt(cleaned!, 0)]).toEqual([40, 43]);
    expect([producerIdAt(cleaned!, 0), producerEpochAt(cleaned!, 0)]).toEqual([77, 3]);
    expect(leaderEpochAt(cleaned!, 0)).toBe(6);
    // The largest timestamp is that of what is left.
    expect(maxTimestampAt(cleaned!, 0)).toBe(4_000);
    const decoded = decodeBatch(cleaned!, 0, 1_000);
    expect(decoded.kind === "decoded" && decoded.records[0]).toMatchObject({
      timestamp: 4_000,
      headers: [{ key: "h" }],
    });
  },
);

test("a batch of log append time keeps that time", () => {
  const old = batch(0, [record("a", "1", 1), record("b", "1", 2)]);
  stampLogAppendTime(old, 0, 7_000);
  const { batches } = clean([old, batch(2, [record("a", "2")])]);
  expect(maxTimestampAt(batches[0]!, 0)).toBe(7_000);
  expect(attributesAt(batches[0]!, 0)).toBe(attributesAt(old, 0));
});

test("a batch that loses all goes, unless it ends the cleaned section", () => {
  const log = [
    batch(0, [record("a", "1")]),
    batch(1, [record("a", "2")]),
    batch(2, [record(null, "x")], { codec: "gzip" }),
  ];
  const { batches, summary } = clean(log);
  expect(baseOffsetsOf(batches)).toEqual([1, 2]);
  expect(recordsOf(batches)).toEqual(["1 a=2"]);
  expect(batches[1]).toHaveLength(batchHeaderBytes);
  expect(recordCountAt(batches[1]!, 0)).toBe(0);
  expect(codecAt(batches[1]!, 0)).toBe("none");
  expect(isCrcValidAt(batches[1]!, 0)).toBe(true);
  expect(summary.batchesEmptied).toBe(1);
  // The next run has another end.
  const next = clean([...batches, filler(3)], { firstDirtyOffset: 3 });
  expect(baseOffsetsOf(next.batches)).toEqual([1, 3]);
});

test("a tombstone is kept with a horizon first, and goes when that is over", () => {
  const old = batch(0, [record("a", "1", 500), record("b", "1", 600), record("a", null, 700)]);
  const first = clean([old, filler(3)], { nowMs: 10_000, deleteRetentionMs: 100 });
  expect(recordsOf(first.batches)).toEqual(["1 b=1", "2 a", "3 filler=f"]);
  expect(hasDeleteHorizonAt(first.batches[0]!, 0)).toBe(true);
  expect(baseTimestampAt(first.batches[0]!, 0)).toBe(10_100);
  expect(isCrcValidAt(first.batches[0]!, 0)).toBe(true);
  const decoded = decodeBatch(first.batches[0]!, 0, 1_000);
  expect(decoded.kind === "decoded" && decoded.records.map((each) => each.timestamp)).toEqual([
    600, 700,
  ]);
  expect(maxTimestampAt(first.batches[0]!, 0)).toBe(700);
  expect(first.summary).toMatchObject({
    firstDeleteHorizonMs: 10_100,
    lastDeleteHorizonMs: 10_100,
  });
  expect(first.summary.expiringBytes).toBeGreaterThan(0);

  const within = clean(first.batches, { firstDirtyOffset: 4, nowMs: 10_099 });
  // The horizon is not moved.
  expect(within.batches).toEqual(first.batches);
  const after = clean(first.batches, { firstDirtyOffset: 4, nowMs: 10_100 });
  expect(recordsOf(after.batches)).toEqual(["1 b=1", "3 filler=f"]);
  expect(after.summary).toMatchObject({ firstDeleteHorizonMs: null, expiringBytes: 0 });
});

test("a tombstone outdone by a new value goes at once, and leaves nothing to wait for", () => {
  const first = clean([batch(0, [record("a", null), record("b", "1")]), filler(2)]);
  const log = [...first.batches, batch(3, [record("a", "2")])];
  const next = clean(log, { firstDirtyOffset: 3 });
  expect(recordsOf(next.batches)).toEqual(["1 b=1", "2 filler=f", "3 a=2"]);
  expect(next.summary.firstDeleteHorizonMs).toBeNull();
});

test("a tombstone in compressed records is stamped as well, and a horizon of never stamps nothing", () => {
  const old = batch(0, [record("a", "1"), record("a", null)], { codec: "lz4" });
  const stamped = clean([old, filler(2)]);
  expect(hasDeleteHorizonAt(stamped.batches[0]!, 0)).toBe(true);
  expect(recordsOf(stamped.batches)).toEqual(["1 a", "2 filler=f"]);
  const never = clean([old, filler(2)], { deleteRetentionMs: Infinity });
  expect(hasDeleteHorizonAt(never.batches[0]!, 0)).toBe(false);
  expect(recordsOf(never.batches)).toEqual(["1 a", "2 filler=f"]);
});

test("records of an aborted transaction go and outdo nothing; its marker goes a horizon after them", () => {
  const aborted = [{ producerId: 9, firstOffset: 1, lastOffset: 2 }];
  const transaction = { producerId: 9, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  const log = [
    batch(0, [record("a", "1")]),
    batch(1, [record("a", "aborted")], transaction),
    marker(2, "abort", { producerId: 9 }),
    filler(3),
  ];
  const first = clean(log, { aborted });
  expect(recordsOf(first.batches.filter((bytes) => !isControlAt(bytes, 0)))).toEqual([
    "0 a=1",
    "3 filler=f",
  ]);
  // Something of the transaction was there when the run began.
  expect(first.batches[1]).toEqual(new Uint8Array(log[2]!));
  const second = clean(first.batches, { firstDirtyOffset: 4, nowMs: 20_000, aborted });
  expect(baseOffsetsOf(second.batches)).toEqual([0, 2, 3]);
  expect(hasDeleteHorizonAt(second.batches[1]!, 0)).toBe(true);
  expect(baseTimestampAt(second.batches[1]!, 0)).toBe(20_100);
  expect(second.summary).toMatchObject({ firstDeleteHorizonMs: 20_100, expiringBytes: 78 });
  const third = clean(second.batches, { firstDirtyOffset: 4, nowMs: 20_099 });
  expect(third.batches).toEqual(second.batches);
  const fourth = clean(third.batches, { firstDirtyOffset: 4, nowMs: 20_100 });
  expect(baseOffsetsOf(fourth.batches)).toEqual([0, 3]);
});

test("a commit marker stays while anything of its transaction does", () => {
  const transaction = { producerId: 9, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  const log = [
    batch(0, [record("a", "1"), record("b", "1")], transaction),
    marker(2, "commit", { producerId: 9 }),
    filler(3),
  ];
  const first = clean(log);
  expect(first.batches).toEqual(log.map((bytes) => new Uint8Array(bytes)));
  const second = clean([...first.batches, batch(4, [record("a", "2"), record("b", "2")])], {
    firstDirtyOffset: 4,
  });
  expect(baseOffsetsOf(second.batches)).toEqual([2, 3, 4]);
  expect(hasDeleteHorizonAt(second.batches[0]!, 0)).toBe(false);
  const third = clean(second.batches, { firstDirtyOffset: 6 });
  expect(hasDeleteHorizonAt(third.batches[0]!, 0)).toBe(true);
});

test("an open transaction, behind the end of what may be cleaned, is not touched", () => {
  const transaction = { producerId: 9, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  const log = [
    batch(0, [record("a", "1")]),
    batch(1, [record("a", "open"), record("a", "open 2")], transaction),
    batch(3, [record("a", "3"), record(null, "x")]),
  ];
  const { batches, summary } = clean(log, { endOffset: 1 });
  expect(batches).toEqual(log.map((bytes) => new Uint8Array(bytes)));
  expect(summary.cleanedTo).toBe(1);
});

test("the last batch of a live producer stays as a header with its sequences", () => {
  const options = { producerId: 5, producerEpoch: 2, leaderEpoch: 3 };
  const log = [
    batch(0, [record("a", "1")], { ...options, baseSequence: 0 }),
    batch(1, [record("a", "2"), record("a", "3")], {
      ...options,
      baseSequence: 1,
      codec: "snappy",
    }),
    batch(3, [record("a", "4")]),
    filler(4),
  ];
  const producers = [{ producerId: 5, epoch: 2, lastDataOffset: 2 }];
  const { batches } = clean(log, { producers });
  expect(baseOffsetsOf(batches)).toEqual([1, 3, 4]);
  const [header] = batches;
  expect(recordCountAt(header!, 0)).toBe(0);
  expect(lastOffsetAt(header!, 0)).toBe(2);
  expect([baseSequenceAt(header!, 0), lastSequenceAt(header!, 0)]).toEqual([1, 2]);
  expect([producerIdAt(header!, 0), producerEpochAt(header!, 0)]).toEqual([5, 2]);
  expect(leaderEpochAt(header!, 0)).toBe(3);
  // As often as one likes; and it goes once the producer has written again.
  const again = clean(batches, { producers, firstDirtyOffset: 5 });
  expect(again.batches).toEqual(batches);
  const later = [{ producerId: 5, epoch: 2, lastDataOffset: 9 }];
  expect(baseOffsetsOf(clean(batches, { producers: later, firstDirtyOffset: 5 }).batches)).toEqual([
    3, 4,
  ]);
});

test("a header that is left of a transaction keeps its marker", () => {
  const transaction = { producerId: 5, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  const log = [
    batch(0, [record("a", "1")], transaction),
    marker(1, "abort", { producerId: 5 }),
    filler(2),
  ];
  const aborted = [{ producerId: 5, firstOffset: 0, lastOffset: 1 }];
  const producers = [{ producerId: 5, epoch: 0, lastDataOffset: 0 }];
  let { batches } = clean(log, { aborted, producers });
  for (const nowMs of [20_000, 30_000, 40_000]) {
    ({ batches } = clean(batches, { aborted, producers, firstDirtyOffset: 3, nowMs }));
    expect(baseOffsetsOf(batches)).toEqual([0, 1, 2]);
    expect(recordCountAt(batches[0]!, 0)).toBe(0);
    expect(isTransactionalAt(batches[0]!, 0)).toBe(true);
    expect(batches[1]).toEqual(new Uint8Array(log[1]!));
  }
});

test("the marker that says a live producer's epoch stays as a header", () => {
  const log = [marker(0, "commit", { producerId: 5, producerEpoch: 4 }), filler(1)];
  const producers = [{ producerId: 5, epoch: 4, lastDataOffset: -1 }];
  const stamped = clean(log, { producers });
  const { batches } = clean(stamped.batches, { producers, firstDirtyOffset: 2, nowMs: 50_000 });
  expect(baseOffsetsOf(batches)).toEqual([0, 1]);
  expect([recordCountAt(batches[0]!, 0), producerEpochAt(batches[0]!, 0)]).toEqual([0, 4]);
  expect(isControlAt(batches[0]!, 0)).toBe(true);
  const fenced = [{ producerId: 5, epoch: 5, lastDataOffset: -1 }];
  expect(baseOffsetsOf(clean(batches, { producers: fenced, firstDirtyOffset: 2 }).batches)).toEqual(
    [1],
  );
});

test("control records that end no transaction stay", () => {
  const change = buildLeaderChange({
    leaderId: 1,
    leaderEpoch: 2,
    voters: [1],
    grantingVoters: [1],
    timestamp: 10,
  });
  stampBaseOffset(change, 0, 0);
  expect(clean([change, filler(1)]).batches[0]).toEqual(new Uint8Array(change));
});

test("what is younger than the lag is neither cleaned nor does it outdo anything", () => {
  const log = [
    batch(0, [record("a", "1", 100), record("a", "2", 9_000)]),
    batch(2, [record("a", "3", 9_501)]),
    batch(3, [record("a", "4", 100)]),
  ];
  const { batches, summary } = clean(log, { nowMs: 10_000, minCompactionLagMs: 500 });
  expect(recordsOf(batches)).toEqual(["1 a=2", "2 a=3", "3 a=4"]);
  expect(summary.cleanedTo).toBe(2);
  // Without a lag, a timestamp from the future holds nothing back.
  const future = clean(log, { nowMs: 50, minCompactionLagMs: 0 });
  expect(recordsOf(future.batches)).toEqual(["3 a=4"]);
});

test("a full map ends a run at a batch, and the next one goes on there", () => {
  const log = [
    batch(0, [record("a", "1"), record("b", "1")]),
    batch(2, [record("a", "2"), record("c", "1"), record("d", "1")]),
    batch(5, [record("b", "2"), record("a", "3")]),
  ];
  // Of four slots, three are used.
  const mapMemoryBytes = 4 * 24;
  const first = clean(log, { mapMemoryBytes });
  expect(first.summary.cleanedTo).toBe(2);
  const second = clean(first.batches, { mapMemoryBytes, firstDirtyOffset: 2 });
  expect(second.summary.cleanedTo).toBe(5);
  const third = clean(second.batches, { mapMemoryBytes, firstDirtyOffset: 5 });
  expect(third.summary.cleanedTo).toBe(7);
  expect(recordsOf(third.batches)).toEqual(["3 c=1", "4 d=1", "5 b=2", "6 a=3"]);
});

test("one batch with more keys than the map takes is a failure, not a run that gets nowhere", () => {
  const cleaning = createCleaning(jobWith({ mapMemoryBytes: keyMapBytes(1) }));
  const keys = ["a", "b", "c"].map((key) => record(key, "1"));
  expect(mapBatches(cleaning, batch(0, keys))).toMatchObject({ kind: "tooLarge", offset: 0 });
});

test("damage stops the run before a new checksum could hide it", () => {
  const sound = batch(0, [record("a", "1"), record("a", "2")]);
  const broken = batch(2, [record("a", "3")]);
  broken[batchHeaderBytes + 4]! ^= 1;
  const mapping = createCleaning(jobWith());
  expect(mapBatches(mapping, Buffer.concat([sound, broken]))).toMatchObject({
    kind: "corruptState",
    offset: 2,
  });
  // For good: what was told to a caller that goes on is told again.
  expect(mapBatches(mapping, filler(3)).kind).toBe("corruptState");
  expect(() => endCleaning(mapping)).toThrow("a run that went well");

  const rewriting = createCleaning(jobWith());
  mapBatches(rewriting, sound);
  expect(rewriteBatches(rewriting, broken)).toMatchObject({ kind: "corruptState", offset: 2 });

  const cut = createCleaning(jobWith());
  expect(mapBatches(cut, sound.subarray(0, sound.length - 1)).kind).toBe("corruptState");
  const disorder = createCleaning(jobWith());
  expect(mapBatches(disorder, Buffer.concat([sound, sound]))).toMatchObject({ offset: 0 });
  const lying = batch(0, [record("a", "1")], { codec: "zstd" });
  const unread = createCleaning(jobWith({ maxDecompressedBytes: 3 }));
  expect(mapBatches(unread, lying).kind).toBe("tooLarge");
});

test("the input is not written to", () => {
  const producers = [{ producerId: 5, epoch: 0, lastDataOffset: 0 }];
  const log = Buffer.concat([
    batch(0, [record("a", "1")], { producerId: 5, producerEpoch: 0, baseSequence: 0 }),
    batch(1, [record("a", null), record("b", "1"), record("b", "2")]),
  ]);
  const before = Buffer.from(log);
  const cleaning = createCleaning(jobWith({ producers }));
  mapBatches(cleaning, log);
  const rewritten = rewriteBatches(cleaning, log);
  expect(rewritten.kind === "rewritten" && rewritten.bytes.length).toBeLessThan(log.length);
  expect(log.equals(before)).toBe(true);
});
