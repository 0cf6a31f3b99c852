import fc from "fast-check";
import { decodeTail, tailBytes } from "../../../../broker/tiering/object-tail.ts";
import { expect, test } from "vitest";
import {
  decodeSegmentFooter,
  encodeSegmentFooter,
  segmentFormat,
  type SegmentFooter,
} from "../../../../broker/tiering/segment-footer.ts";
import { putInt32 } from "../../../../protocol/records/big-endian.ts";
import { crc32c } from "../../../../protocol/records/crc32c.ts";

const footer: SegmentFooter = {
  topicId: "AAAAAAAAAAAAAAAAAAAAAA",
  index: 3,
  leaderEpoch: 5,
  baseOffset: 100,
  endOffset: 2 ** 40 + 300,
  dataBytes: 70_000,
  recordCount: 150,
  minTimestamp: 1000,
  maxTimestamp: 2000,
  maxTimestampOffset: 180,
  offsetIndex: {
    offsets: Float64Array.of(100, 170, 2 ** 40 + 299),
    positions: Float64Array.of(0, 33_000, 66_000),
  },
  timeIndex: {
    timestamps: Float64Array.of(1900, 2000),
    offsets: Float64Array.of(170, 2 ** 40 + 299),
  },
  abortedTransactions: [
    { producerId: 7, firstOffset: 90, lastOffset: 120, lastStableOffset: 110 },
    { producerId: 8, firstOffset: 110, lastOffset: 130, lastStableOffset: 130 },
  ],
  openTransactions: [{ producerId: 9, firstOffset: 140 }],
  producers: Uint8Array.of(1, 2, 3),
  epochs: [
    { epoch: 1, startOffset: 0 },
    { epoch: 5, startOffset: 110 },
  ],
  gaps: [{ end: 50, start: 100 }],
};

test("a footer comes back from its bytes, whatever stands before it", () => {
  const bytes = encodeSegmentFooter(footer);
  expect(decodeSegmentFooter(bytes)).toEqual({ kind: "decoded", footer });
  const object = Buffer.concat([Buffer.alloc(1000, 7), bytes]);
  expect(decodeSegmentFooter(object)).toEqual({ kind: "decoded", footer });
  expect(decodeTail(object.subarray(-tailBytes), segmentFormat)).toEqual({
    partBytes: bytes.length - tailBytes,
  });
});

test("a footer with a flipped bit, or cut off, is corrupt", () => {
  const bytes = encodeSegmentFooter(footer);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(7), fc.boolean(), (at, bit, isCut) => {
      const damaged = new Uint8Array(bytes);
      damaged[at]! ^= 1 << bit;
      const seen = isCut ? bytes.subarray(bytes.length - at) : damaged;
      expect(decodeSegmentFooter(seen).kind).toBe("corrupt");
    }),
    { numRuns: 500 },
  );
});

test("a footer whose CRC holds over fields that cannot be is corrupt, and never thrown about", () => {
  const whole = encodeSegmentFooter(footer);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - tailBytes - 1), fc.nat(255)), {
        minLength: 1,
        maxLength: 8,
      }),
      (changes) => {
        const bytes = new Uint8Array(whole);
        for (const [at, value] of changes) bytes[at] = value;
        putInt32(bytes, bytes.length - 4, crc32c(bytes, 0, bytes.length - 4));
        const decoded = decodeSegmentFooter(bytes);
        if (decoded.kind === "corrupt") return;
        expect(decodeSegmentFooter(encodeSegmentFooter(decoded.footer))).toEqual(decoded);
      },
    ),
    { numRuns: 1000 },
  );
});

test("random bytes are no footer", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(decodeSegmentFooter(bytes).kind).toBe("corrupt");
    }),
  );
});

test.each([
  ["an empty range", { endOffset: 100 }],
  [
    "an index that does not ascend",
    { offsetIndex: { offsets: Float64Array.of(120, 110), positions: Float64Array.of(0, 5) } },
  ],
  [
    "an index beyond the batches",
    { offsetIndex: { offsets: Float64Array.of(100), positions: Float64Array.of(70_000) } },
  ],
  [
    "no index of its batches",
    { offsetIndex: { offsets: Float64Array.of(), positions: Float64Array.of() } },
  ],
  [
    "epochs that do not ascend",
    {
      epochs: [
        { epoch: 5, startOffset: 0 },
        { epoch: 5, startOffset: 3 },
      ],
    },
  ],
  ["a gap without room", { gaps: [{ end: 50, start: 50 }] }],
] satisfies [string, Partial<SegmentFooter>][])("a footer with %s is corrupt", (_, change) => {
  const bytes = encodeSegmentFooter({ ...footer, ...change });
  expect(decodeSegmentFooter(bytes).kind).toBe("corrupt");
});
