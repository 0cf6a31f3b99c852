import fc from "fast-check";
import { expect, test } from "vitest";
import { buildBatch, type NewRecord } from "../../../../protocol/records/build.ts";
import {
  forEachRecord,
  recordHeaders,
  recordKey,
  recordValue,
  type RecordsShape,
} from "../../../../protocol/records/records.ts";
import { goldenBatch } from "./golden-batch.ts";

const anyRecord: fc.Arbitrary<NewRecord> = fc.record({
  key: fc.option(fc.uint8Array({ maxLength: 80 })),
  value: fc.option(fc.uint8Array({ maxLength: 200 })),
  timestamp: fc.oneof(fc.integer({ min: -1, max: 2 ** 41 }), fc.constant(2 ** 52)),
  headers: fc.array(
    fc.record({
      key: fc.string({ maxLength: 10 }),
      value: fc.option(fc.uint8Array({ maxLength: 10 })),
    }),
    { maxLength: 4 },
  ),
});

const payloadOf = (records: readonly NewRecord[]): Uint8Array => buildBatch(records).subarray(61);

const failureOf = (bytes: Uint8Array, count: number, offsets: RecordsShape["offsets"] = "dense") =>
  forEachRecord(bytes, { count, offsets }, () => {});

test("finds keys, values, deltas and headers of records written by hand", () => {
  const payload = goldenBatch().subarray(61);
  const seen: unknown[] = [];
  const failure = forEachRecord(payload, { count: 2, offsets: "dense" }, (record) => {
    seen.push({
      key: recordKey(payload, record),
      value: recordValue(payload, record),
      timestampDelta: record.timestampDelta,
      offsetDelta: record.offsetDelta,
      headers: recordHeaders(payload, record),
    });
  });
  expect(failure).toBeNull();
  expect(seen).toEqual([
    {
      key: Uint8Array.of(0x6b),
      value: Uint8Array.of(0x76, 0x61, 0x6c),
      timestampDelta: 0,
      offsetDelta: 0,
      headers: [{ key: "h", value: Uint8Array.of(0xff, 0) }],
    },
    {
      key: null,
      value: null,
      timestampDelta: 1,
      offsetDelta: 1,
      headers: [{ key: "a", value: null }],
    },
  ]);
});

test("keys and values are slices of the bytes, not copies", () => {
  const payload = payloadOf([{ key: Buffer.from("k"), value: Buffer.from("v"), timestamp: 0 }]);
  forEachRecord(payload, { count: 1, offsets: "dense" }, (record) => {
    expect(recordKey(payload, record)!.buffer).toBe(payload.buffer);
    expect(recordValue(payload, record)!.buffer).toBe(payload.buffer);
  });
});

test("every cut of well-formed records is a failure", () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), fc.nat(), (records, cut) => {
      const payload = payloadOf(records);
      expect(failureOf(payload, records.length)).toBeNull();
      expect(failureOf(payload.subarray(0, cut % payload.length), records.length)).not.toBeNull();
    }),
  );
});

test("a count that is not the number of records is a failure", () => {
  fc.assert(
    fc.property(
      fc.array(anyRecord, { minLength: 1, maxLength: 5 }),
      fc.nat(12),
      (records, count) => {
        expect(failureOf(payloadOf(records), count) === null).toBe(count === records.length);
      },
    ),
  );
});

test("a claim of two thousand million records or headers costs nothing", () => {
  const payload = payloadOf([{ key: null, value: null, timestamp: 0 }]);
  expect(failureOf(payload, 0x7fff_ffff)).toMatchObject({ recordIndex: 1 });
  // length 10: attributes, deltas, null key and value, header count 2^31-1 in five bytes.
  const claim = Uint8Array.of(20, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f);
  expect(failureOf(claim, 1)).toMatchObject({ recordIndex: 0 });
});

test.each([
  ["a length cut off in its varint", [0x80]],
  ["a negative length", [1, 0, 0, 0, 0, 0, 0]],
  ["a length below the shortest record", [10, 0, 0, 0, 1, 1]],
  ["a varint of six bytes", [0x8c, 0x80, 0x80, 0x80, 0x80, 0, 0, 0, 0, 1, 1, 0]],
  ["a timestamp delta of eleven bytes", [30, 0, ...Array(10).fill(0x80), 0, 0, 1, 1, 0]],
  ["a timestamp delta past 2^53", [30, 0, ...Array(9).fill(0xff), 1, 0, 1, 1, 0, 0]],
  ["a key past the record", [12, 0, 0, 0, 20, 1, 0]],
  ["a key length of -2", [12, 0, 0, 0, 3, 1, 0]],
  ["a value past the record", [12, 0, 0, 0, 1, 20, 0]],
  ["a negative header count", [12, 0, 0, 0, 1, 1, 1]],
  ["a header with a null key", [16, 0, 0, 0, 1, 1, 2, 1, 1]],
  ["a header value past the record", [16, 0, 0, 0, 1, 1, 2, 0, 20]],
  ["fields that do not fill its length", [14, 0, 0, 0, 1, 1, 0, 0]],
  ["an offset delta other than its place", [12, 0, 0, 2, 1, 1, 0]],
])("refuses a record with %s", (_, bytes) => {
  expect(failureOf(Uint8Array.from(bytes), 1)).toMatchObject({
    kind: "corruptInput",
    recordIndex: 0,
  });
});

test("numbers written in more bytes than they need are read as the numbers they are", () => {
  /** A non-negative varint in exactly `size` bytes. */
  const inBytes = (value: number, size: number): number[] =>
    Array.from({ length: size }, (_, place) => {
      const bits = Math.floor((value * 2) / 128 ** place) % 128;
      return place === size - 1 ? bits : bits | 0x80;
    });
  const size = fc.integer({ min: 1, max: 5 });
  const numbers = fc.record({ timestamp: fc.nat(60), key: fc.nat(60), value: fc.nat(60) });
  fc.assert(
    fc.property(
      numbers,
      fc.tuple(size, size, size, size, size, size),
      ({ timestamp, key, value }, sizes) => {
        const body = [
          0,
          ...inBytes(timestamp, sizes[1] * 2),
          ...inBytes(0, sizes[2]),
          ...inBytes(key, sizes[3]),
          ...Array<number>(key).fill(7),
          ...inBytes(value, sizes[4]),
          ...Array<number>(value).fill(8),
          ...inBytes(0, sizes[5]),
        ];
        const bytes = Uint8Array.from([...inBytes(body.length, Math.max(2, sizes[0])), ...body]);
        const shape = { from: 3, count: 1, offsets: "dense" } as const;
        let seen: unknown;
        const input = Uint8Array.from([9, 9, 9, ...bytes]);
        const failure = forEachRecord(input, shape, (record) => {
          seen = [record.timestampDelta, recordKey(input, record), recordValue(input, record)];
        });
        expect(failure).toBeNull();
        expect(seen).toEqual([
          timestamp,
          new Uint8Array(key).fill(7),
          new Uint8Array(value).fill(8),
        ]);
      },
    ),
  );
});

test("takes holes between offsets where compaction may have left them, but no step back", () => {
  const record = (offsetDelta: number): number[] => [12, 0, 0, offsetDelta * 2, 1, 1, 0];
  const holes = Uint8Array.from([...record(3), ...record(9)]);
  expect(failureOf(holes, 2, "ascending")).toBeNull();
  expect(failureOf(holes, 2)).toMatchObject({ recordIndex: 0 });
  const back = Uint8Array.from([...record(3), ...record(3)]);
  expect(failureOf(back, 2, "ascending")).toMatchObject({ recordIndex: 1 });
});

test("stops where visit says so, without judging the rest", () => {
  const payload = payloadOf([
    { key: null, value: null, timestamp: 0 },
    { key: null, value: null, timestamp: 0 },
  ]);
  payload[8] = 0xff;
  let count = 0;
  const failure = forEachRecord(payload, { count: 2, offsets: "dense" }, () => {
    count += 1;
    return false;
  });
  expect([failure, count]).toEqual([null, 1]);
});

test("any bytes give records that lie inside them, or a failure", () => {
  const base = Buffer.from(
    payloadOf([
      {
        key: Buffer.from("key"),
        value: Buffer.from("value"),
        timestamp: 5,
        headers: [{ key: "a", value: Buffer.from("b") }],
      },
      { key: null, value: Buffer.alloc(90, 1), timestamp: 900_000 },
    ]),
  );
  const mutated = fc
    .array(fc.tuple(fc.nat(base.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 5 })
    .map((changes) => {
      const bytes = Buffer.from(base);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes as Uint8Array;
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 60 })), fc.nat(4), (bytes, count) => {
      forEachRecord(bytes, { count, offsets: "ascending" }, (record) => {
        expect(record.keyStart + Math.max(record.keyLength, 0)).toBeLessThanOrEqual(bytes.length);
        expect(record.valueStart + Math.max(record.valueLength, 0)).toBeLessThanOrEqual(
          bytes.length,
        );
        expect(Number.isSafeInteger(record.timestampDelta)).toBe(true);
        for (const { value } of recordHeaders(bytes, record)) {
          expect(value?.length ?? 0).toBeLessThanOrEqual(bytes.length);
        }
      });
    }),
    { numRuns: 1000 },
  );
});
