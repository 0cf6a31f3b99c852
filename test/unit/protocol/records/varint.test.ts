import fc from "fast-check";
import { expect, test } from "vitest";
import {
  maxVarintBytes,
  maxVarlongBytes,
  putVarint,
  putVarlong,
  varintAt,
  varintBytes,
  varintEnd,
  varlongAt,
  varlongBytes,
} from "../../../../protocol/records/varint.ts";

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const edges = [0, -1, 1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, -(2 ** 31) - 1];

test("what is written as int32 is read back, in the bytes foretold", () => {
  fc.assert(
    fc.property(
      fc.oneof(int32, fc.constantFrom(...edges.filter((edge) => edge === (edge | 0)))),
      (value) => {
        const bytes = new Uint8Array(8);
        const end = putVarint(bytes, 1, value);
        expect(end - 1).toBe(varintBytes(value));
        expect(varintEnd(bytes, 1, 8, maxVarintBytes)).toBe(end);
        expect(varintAt(bytes, 1)).toBe(value);
        expect(varintEnd(bytes, 1, end - 1, maxVarintBytes)).toBe(-1);
      },
    ),
  );
});

test("what is written as int64 is read back for every safe integer", () => {
  const safe = fc.oneof(
    fc.maxSafeInteger(),
    int32,
    fc.constantFrom(...edges, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  );
  fc.assert(
    fc.property(safe, (value) => {
      const bytes = new Uint8Array(12);
      const end = putVarlong(bytes, 1, value);
      expect(end - 1).toBe(varlongBytes(value));
      expect(varintEnd(bytes, 1, 12, maxVarlongBytes)).toBe(end);
      expect(varlongAt(bytes, 1, end)).toBe(value);
    }),
  );
});

test.each([
  [0, [0]],
  [-1, [1]],
  [1, [2]],
  [64, [0x80, 1]],
  [300, [0xd8, 4]],
  [-(2 ** 31), [0xff, 0xff, 0xff, 0xff, 0x0f]],
])("%d is written as in protocol buffers' zigzag", (value, expected) => {
  const bytes = new Uint8Array(5);
  const end = putVarint(bytes, 0, value);
  expect([...bytes.subarray(0, end)]).toEqual(expected);
});

test("an int64 past 2^53 reads as a number that is not a safe integer", () => {
  const largest = Uint8Array.from([0xfe, ...Array(8).fill(0xff), 1]);
  expect(varlongAt(largest, 0, 10)).toBe(2 ** 63);
  expect(Number.isSafeInteger(varlongAt(largest, 0, 10))).toBe(false);
});

test("a varint that never ends is not read past its limit or the end", () => {
  const endless = new Uint8Array(20).fill(0x80);
  expect(varintEnd(endless, 0, 20, maxVarintBytes)).toBe(-1);
  expect(varintEnd(endless, 18, 20, maxVarlongBytes)).toBe(-1);
  expect(varintEnd(endless, 20, 20, maxVarlongBytes)).toBe(-1);
});
