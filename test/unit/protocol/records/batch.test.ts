import fc from "fast-check";
import { expect, test } from "vitest";
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  baseTimestampAt,
  batchFailureAt,
  batchField,
  batchSizeAt,
  codecAt,
  crcAt,
  forEachBatch,
  hasDeleteHorizonAt,
  isControlAt,
  isCrcValidAt,
  isTransactionalAt,
  lastOffsetAt,
  lastOffsetDeltaAt,
  lastSequenceAt,
  leaderEpochAt,
  magicAt,
  maxTimestampAt,
  nextOffsetAt,
  producerEpochAt,
  producerIdAt,
  recordCountAt,
  sequenceAfter,
  stampBaseOffset,
  stampCrc,
  stampLeaderEpoch,
  stampLogAppendTime,
  timestampTypeAt,
} from "../../../../protocol/records/batch.ts";
import { buildBatch } from "../../../../protocol/records/build.ts";
import { goldenBatch } from "./golden-batch.ts";
import { javaBatches } from "./java-batches.ts";

test("reads every header field of a batch written by hand", () => {
  const bytes = goldenBatch();
  expect(batchFailureAt(bytes, 0)).toBeNull();
  expect(batchSizeAt(bytes, 0)).toBe(bytes.length);
  expect(baseOffsetAt(bytes, 0)).toBe(0x0102030405);
  expect(leaderEpochAt(bytes, 0)).toBe(7);
  expect(magicAt(bytes, 0)).toBe(2);
  expect(attributesAt(bytes, 0)).toBe(0x10);
  expect(codecAt(bytes, 0)).toBe("none");
  expect(timestampTypeAt(bytes, 0)).toBe("CreateTime");
  expect(isTransactionalAt(bytes, 0)).toBe(true);
  expect(isControlAt(bytes, 0)).toBe(false);
  expect(hasDeleteHorizonAt(bytes, 0)).toBe(false);
  expect(lastOffsetDeltaAt(bytes, 0)).toBe(1);
  expect(lastOffsetAt(bytes, 0)).toBe(0x0102030406);
  expect(nextOffsetAt(bytes, 0)).toBe(0x0102030407);
  expect(baseTimestampAt(bytes, 0)).toBe(1_700_000_000_000);
  expect(maxTimestampAt(bytes, 0)).toBe(1_700_000_000_001);
  expect(producerIdAt(bytes, 0)).toBe(9000);
  expect(producerEpochAt(bytes, 0)).toBe(3);
  expect(baseSequenceAt(bytes, 0)).toBe(0x7fff_ffff);
  expect(lastSequenceAt(bytes, 0)).toBe(0);
  expect(recordCountAt(bytes, 0)).toBe(2);
  expect(isCrcValidAt(bytes, 0)).toBe(true);
});

test("reads a batch at any place in the bytes, in shared memory too", () => {
  const golden = goldenBatch();
  const bytes = new Uint8Array(new SharedArrayBuffer(golden.length + 20));
  bytes.set(golden, 13);
  expect(batchFailureAt(bytes, 13, 13 + golden.length)).toBeNull();
  expect(baseOffsetAt(bytes, 13)).toBe(0x0102030405);
  expect(isCrcValidAt(bytes, 13)).toBe(true);
  stampBaseOffset(bytes, 13, 5);
  expect(nextOffsetAt(bytes, 13)).toBe(7);
});

test.each(Object.entries(javaBatches))("reads the Java client's batch with %s", (codec, base64) => {
  const bytes = Buffer.from(base64, "base64");
  expect(batchFailureAt(bytes, 0)).toBeNull();
  expect(codecAt(bytes, 0)).toBe(codec);
  expect(isCrcValidAt(bytes, 0)).toBe(true);
  expect(producerIdAt(bytes, 0)).toBe(77);
  expect(lastSequenceAt(bytes, 0)).toBe(43);
  expect(maxTimestampAt(bytes, 0)).toBe(1_700_000_005_000);
});

test("stamping base offset and leader epoch leaves the CRC right", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.integer({ min: -1, max: 0x7fff_ffff }), (offset, epoch) => {
      const bytes = goldenBatch();
      stampBaseOffset(bytes, 0, offset);
      stampLeaderEpoch(bytes, 0, epoch);
      expect(baseOffsetAt(bytes, 0)).toBe(offset);
      expect(leaderEpochAt(bytes, 0)).toBe(epoch);
      expect(isCrcValidAt(bytes, 0)).toBe(true);
    }),
  );
});

test("stamping the log append time sets type, time and a new CRC, and nothing else", () => {
  const bytes = goldenBatch();
  const before = Buffer.from(bytes);
  stampLogAppendTime(bytes, 0, 1_800_000_000_123);
  expect(timestampTypeAt(bytes, 0)).toBe("LogAppendTime");
  expect(maxTimestampAt(bytes, 0)).toBe(1_800_000_000_123);
  expect(isTransactionalAt(bytes, 0)).toBe(true);
  expect(isCrcValidAt(bytes, 0)).toBe(true);
  const changed = [...bytes.keys()].filter((at) => bytes[at] !== before[at]);
  const mayChange = (at: number): boolean =>
    (at >= batchField.crc && at < batchField.lastOffsetDelta) ||
    (at >= batchField.maxTimestamp && at < batchField.producerId);
  expect(changed.filter((at) => !mayChange(at))).toEqual([]);
});

test("any bit flipped behind the CRC breaks it", () => {
  const golden = goldenBatch();
  fc.assert(
    fc.property(
      fc.integer({ min: batchField.attributes, max: golden.length - 1 }),
      fc.integer({ min: 0, max: 7 }),
      (at, bit) => {
        const bytes = goldenBatch();
        bytes[at]! ^= 1 << bit;
        expect(isCrcValidAt(bytes, 0)).toBe(false);
      },
    ),
  );
});

test("sequences wrap from 2^31-1 to 0", () => {
  expect(sequenceAfter(0x7fff_ffff, 1)).toBe(0);
  expect(sequenceAfter(0x7fff_fffe, 3)).toBe(1);
  expect(sequenceAfter(0, 5)).toBe(5);
});

const visited = (bytes: Uint8Array): [number, number][] => {
  const seen: [number, number][] = [];
  forEachBatch(bytes, (at, size) => {
    seen.push([at, size]);
  });
  return seen;
};

test("visits batches that lie one behind the other, and stops where it is told", () => {
  const one = goldenBatch();
  const bytes = Buffer.concat([one, one, one]);
  const size = one.length;
  expect(visited(bytes)).toEqual([
    [0, size],
    [size, size],
    [2 * size, size],
  ]);
  let count = 0;
  expect(forEachBatch(bytes, () => ++count < 2)).toBeNull();
  expect(count).toBe(2);
  expect(forEachBatch(Buffer.alloc(0), () => {})).toBeNull();
});

test("a partial batch at the end is told as truncated, after the whole ones were visited", () => {
  const one = goldenBatch();
  const bytes = Buffer.concat([one, one]);
  for (let length = one.length + 1; length < bytes.length; length += 1) {
    const cut = bytes.subarray(0, length);
    expect(visited(cut)).toEqual([[0, one.length]]);
    expect(forEachBatch(cut, () => {})).toMatchObject({ reason: "truncated", at: one.length });
  }
});

const withField = (change: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(goldenBatch());
  change(bytes);
  return bytes;
};

test.each([
  ["a length below the header's", "malformed", withField((bytes) => bytes.writeInt32BE(48, 8))],
  ["a negative length", "malformed", withField((bytes) => bytes.writeInt32BE(-1, 8))],
  ["a length past the end", "truncated", withField((bytes) => bytes.writeInt32BE(0x7fff_ffff, 8))],
  ["magic 1", "magic", withField((bytes) => bytes.writeInt8(1, 16))],
  ["magic 0", "magic", withField((bytes) => bytes.writeInt8(0, 16))],
  ["a negative base offset", "malformed", withField((bytes) => bytes.writeBigInt64BE(-1n, 0))],
  ["an offset past 2^53", "malformed", withField((bytes) => bytes.writeBigInt64BE(2n ** 53n, 0))],
  [
    "a last offset past 2^53",
    "malformed",
    withField((bytes) => bytes.writeBigInt64BE(2n ** 53n - 2n, 0)),
  ],
  [
    "a timestamp past 2^53",
    "malformed",
    withField((bytes) => bytes.writeBigInt64BE(2n ** 62n, 35)),
  ],
  [
    "a producer id past 2^53",
    "malformed",
    withField((bytes) => bytes.writeBigInt64BE(-(2n ** 60n), 43)),
  ],
  ["a negative last offset delta", "malformed", withField((bytes) => bytes.writeInt32BE(-2, 23))],
  ["a negative count", "malformed", withField((bytes) => bytes.writeInt32BE(-1, 57))],
  ["eleven bytes", "truncated", Buffer.alloc(11)],
])("refuses %s", (_, reason, bytes) => {
  expect(batchFailureAt(bytes, 0)).toMatchObject({ kind: "corruptInput", reason, at: 0 });
});

test("walking any bytes ends, visits nothing outside them and never throws", () => {
  const golden = goldenBatch();
  const mutated = fc
    .tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.tuple(fc.nat(golden.length * 3), fc.integer({ min: 0, max: 255 })), {
        maxLength: 6,
      }),
      fc.nat(golden.length * 3),
    )
    .map(([times, changes, cut]) => {
      const bytes = Buffer.concat(Array.from({ length: times }, () => golden));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return bytes.subarray(0, Math.max(1, bytes.length - (cut % 40)));
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      let end = 0;
      forEachBatch(bytes, (at, size) => {
        expect(at).toBe(end);
        expect(size).toBeGreaterThanOrEqual(61);
        end = at + size;
        expect(end).toBeLessThanOrEqual(bytes.length);
        expect(nextOffsetAt(bytes, at)).toBeGreaterThan(baseOffsetAt(bytes, at));
        isCrcValidAt(bytes, at);
        lastSequenceAt(bytes, at);
        codecAt(bytes, at);
      });
    }),
    { numRuns: 500 },
  );
});

test("codec numbers 5 to 7 have no name", () => {
  const bytes = withField((golden) => golden.writeInt16BE(5, 21));
  expect(codecAt(bytes, 0)).toBeNull();
});

test("a CRC computed anew is the CRC a batch was built with", () => {
  const bytes = buildBatch([{ key: null, value: Buffer.from("x"), timestamp: 1 }]);
  const crc = crcAt(bytes, 0);
  stampCrc(bytes, 0);
  expect(crcAt(bytes, 0)).toBe(crc);
});
