import fc from "fast-check";
import { expect, test } from "vitest";
import { codecNames } from "../../../../protocol/compression/codec.ts";
import {
  batchFailureAt,
  codecAt,
  isCrcValidAt,
  lastOffsetDeltaAt,
  leaderEpochAt,
  maxTimestampAt,
} from "../../../../protocol/records/batch.ts";
import { buildBatch, type NewRecord } from "../../../../protocol/records/build.ts";
import { decodeBatch } from "../../../../protocol/records/decode.ts";
import { goldenBatch } from "./golden-batch.ts";
import { javaBatches } from "./java-batches.ts";

const text = (value: string): Uint8Array => Buffer.from(value);

const threeRecords: NewRecord[] = [
  {
    key: text("key"),
    value: text("value"),
    timestamp: 1_700_000_000_000,
    headers: [
      { key: "h", value: text("x") },
      { key: "n", value: null },
    ],
  },
  { key: null, value: text("no key".repeat(20)), timestamp: 1_699_999_999_000 },
  { key: text("tombstone"), value: null, timestamp: 1_700_000_005_000 },
];

test("writes the batch that was written by hand", () => {
  const batch = buildBatch(
    [
      {
        key: text("k"),
        value: text("val"),
        timestamp: 1_700_000_000_000,
        headers: [{ key: "h", value: Uint8Array.of(0xff, 0) }],
      },
      {
        key: null,
        value: null,
        timestamp: 1_700_000_000_001,
        headers: [{ key: "a", value: null }],
      },
    ],
    {
      baseOffset: 0x0102030405,
      leaderEpoch: 7,
      producerId: 9000,
      producerEpoch: 3,
      baseSequence: 0x7fff_ffff,
      isTransactional: true,
    },
  );
  expect(Buffer.from(batch).toString("hex")).toBe(Buffer.from(goldenBatch()).toString("hex"));
});

test("writes the Java client's uncompressed batch, byte for byte", () => {
  const batch = buildBatch(threeRecords, { producerId: 77, producerEpoch: 3, baseSequence: 41 });
  expect(Buffer.from(batch).toString("base64")).toBe(javaBatches.none);
});

test.each(codecNames)("a batch built with %s decodes to the records it was built from", (codec) => {
  const anyRecord = fc.record({
    key: fc.option(fc.uint8Array({ maxLength: 40 })),
    value: fc.option(fc.uint8Array({ maxLength: 3000 })),
    timestamp: fc.integer({ min: 0, max: 2 ** 42 }),
    headers: fc.array(fc.record({ key: fc.string(), value: fc.option(fc.uint8Array()) }), {
      maxLength: 3,
    }),
  });
  fc.assert(
    fc.property(
      fc.array(anyRecord, { minLength: 1, maxLength: 8 }),
      fc.nat(1e9),
      (records, baseOffset) => {
        const batch = buildBatch(records, { codec, baseOffset });
        expect(batchFailureAt(batch, 0)).toBeNull();
        expect(isCrcValidAt(batch, 0)).toBe(true);
        expect(codecAt(batch, 0)).toBe(codec);
        expect(lastOffsetDeltaAt(batch, 0)).toBe(records.length - 1);
        expect(maxTimestampAt(batch, 0)).toBe(
          Math.max(...records.map(({ timestamp }) => timestamp)),
        );
        const decoded = decodeBatch(batch, 0, 1 << 20);
        if (decoded.kind !== "decoded") throw new Error(decoded.message);
        const plain = (bytes: Uint8Array | null): number[] | null =>
          bytes === null ? null : [...bytes];
        expect(
          decoded.records.map(({ key, value, timestamp, offset, headers }) => ({
            key: plain(key),
            value: plain(value),
            timestamp,
            offset,
            headers: headers.map((header) => ({ key: header.key, value: plain(header.value) })),
          })),
        ).toEqual(
          records.map(({ key, value, timestamp, headers }, index) => ({
            key: plain(key),
            value: plain(value),
            timestamp,
            offset: baseOffset + index,
            headers: headers.map((header) => ({
              key: Buffer.from(header.key).toString(),
              value: plain(header.value),
            })),
          })),
        );
      },
    ),
    { numRuns: 25 },
  );
});

test("base offset and leader epoch are left for the log to stamp", () => {
  const batch = buildBatch(threeRecords);
  expect(batch.subarray(0, 8)).toEqual(Buffer.alloc(8));
  expect(leaderEpochAt(batch, 0)).toBe(-1);
});
