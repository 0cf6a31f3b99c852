import fc from "fast-check";
import { decodeTail, tailBytes } from "../../../../broker/tiering/object-tail.ts";
import { expect, test } from "vitest";
import {
  createPackBuilder,
  decodePackDirectory,
  packFormat,
  rangeProblem,
} from "../../../../broker/tiering/pack.ts";
import { nextOffsetAt, stampBaseOffset } from "../../../../protocol/records/batch.ts";
import { putInt32 } from "../../../../protocol/records/big-endian.ts";
import { crc32c } from "../../../../protocol/records/crc32c.ts";
import { batchOf } from "./objects.ts";

const topics = ["AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBB"] as const;
const here = { topicId: topics[0], index: 0 };

test("a pack holds each partition's batches, in ranges without a hole, and its directory finds them", () => {
  const addition = fc.record({
    topicId: fc.constantFrom(...topics),
    index: fc.nat(1),
    count: fc.integer({ min: 1, max: 5 }),
    skipped: fc.constantFrom(0, 0, 0, 7),
    leaderEpoch: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(addition, { maxLength: 12 }), (additions) => {
      const builder = createPackBuilder(new Uint8Array(200_000));
      const ends = new Map<string, number>();
      const added: { key: string; batch: Uint8Array }[] = [];
      for (const { topicId, index, count, skipped, leaderEpoch } of additions) {
        const key = `${topicId}-${index}`;
        let next = (ends.get(key) ?? 0) + skipped;
        for (let at = 0; at < count; at += 1) {
          const batch = batchOf({ baseOffset: next, records: 2, leaderEpoch });
          expect(builder.add({ topicId, index }, batch)).toEqual({ kind: "added" });
          added.push({ key, batch });
          next = nextOffsetAt(batch, 0);
        }
        ends.set(key, next);
      }
      const { bytes, ranges } = builder.finish();
      const tail = decodeTail(bytes.subarray(-tailBytes), packFormat);
      if ("kind" in tail) throw new Error(tail.message);
      const directory = bytes.subarray(-tailBytes - tail.partBytes);
      const decoded = decodePackDirectory(directory, bytes.length);
      expect(decoded).toEqual({ kind: "decoded", ranges });
      const found = ranges.map((range) => {
        const part = bytes.subarray(range.position, range.position + range.sizeBytes);
        expect(rangeProblem(range, part)).toBeNull();
        return Buffer.from(part);
      });
      const batches = added.map(({ batch }) => batch);
      expect(Buffer.compare(Buffer.concat(found), Buffer.concat(batches))).toBe(0);
    }),
    { numRuns: 40 },
  );
});

test("what does not fit is left to the next pack, and what is damaged is not taken", () => {
  const builder = createPackBuilder(new Uint8Array(400));
  expect(builder.add(here, batchOf({ baseOffset: 0, valueBytes: 100 })).kind).toBe("added");
  const { dataBytes } = builder;
  expect(builder.add(here, batchOf({ baseOffset: 1, valueBytes: 200 })).kind).toBe("full");
  const damaged = batchOf({ baseOffset: 1 });
  damaged[70]! ^= 1;
  expect(builder.add(here, damaged).kind).toBe("corruptState");
  expect(builder.dataBytes).toBe(dataBytes);
  expect(builder.finish().ranges).toMatchObject([{ baseOffset: 0, endOffset: 1 }]);
});

test("a directory with a flipped bit, cut off, or of nonsense is corrupt or what it says, and never thrown about", () => {
  const builder = createPackBuilder(new Uint8Array(10_000));
  builder.add(here, batchOf({ baseOffset: 0 }));
  builder.add({ topicId: topics[1], index: 1 }, batchOf({ baseOffset: 5 }));
  const { bytes } = builder.finish();
  const from = builder.dataBytes;
  fc.assert(
    fc.property(fc.integer({ min: from, max: bytes.length - 1 }), fc.nat(7), (at, bit) => {
      const damaged = new Uint8Array(bytes);
      damaged[at]! ^= 1 << bit;
      expect(decodePackDirectory(damaged, bytes.length).kind).toBe("corrupt");
      expect(decodePackDirectory(bytes.subarray(at + 1), bytes.length).kind).toBe("corrupt");
      putInt32(damaged, bytes.length - 4, crc32c(damaged, from, bytes.length - 4));
      const decoded = decodePackDirectory(damaged, bytes.length);
      if (decoded.kind !== "decoded") return;
      for (const range of decoded.ranges) {
        expect(range.position + range.sizeBytes).toBeLessThanOrEqual(from);
      }
    }),
    { numRuns: 400 },
  );
});

test("a range with a hole, a damaged batch or another end than it says is a problem", () => {
  const range = {
    ...here,
    baseOffset: 0,
    endOffset: 3,
    firstLeaderEpoch: 1,
    lastLeaderEpoch: 1,
    wholeInEpoch: -1,
    position: 0,
    sizeBytes: 0,
  };
  const batches = [0, 1, 2].map((baseOffset) => batchOf({ baseOffset }));
  const whole = () => Buffer.concat(batches);
  expect(rangeProblem(range, whole())).toBeNull();
  expect(rangeProblem(range, whole().subarray(0, -1))).not.toBeNull();
  expect(rangeProblem({ ...range, endOffset: 4 }, whole())).not.toBeNull();
  const damaged = whole();
  damaged[batches[0]!.length + 70]! ^= 1;
  expect(rangeProblem(range, damaged)).not.toBeNull();
  const holed = whole();
  stampBaseOffset(holed, batches[0]!.length, 2);
  expect(rangeProblem(range, holed)).not.toBeNull();
});
