import fc from "fast-check";
import { expect, test } from "vitest";
import {
  brokerPacksPrefix,
  manifestKey,
  newObjectId,
  objectKey,
  packKey,
  packsPrefix,
  pageName,
  parsePackKey,
  parsePartitionKey,
  partitionPrefix,
  segmentName,
} from "../../../../broker/tiering/object-keys.ts";
import { path, randomOf } from "./objects.ts";

const offset = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

test("a segment's key says its offset and epoch, and is understood again", () => {
  fc.assert(
    fc.property(offset, fc.nat(0x7fffffff), fc.integer(), (baseOffset, leaderEpoch, seed) => {
      const id = newObjectId(randomOf(seed));
      const name = segmentName({ baseOffset, leaderEpoch, id });
      const key = objectKey(path, name);
      expect(key.startsWith(partitionPrefix(path))).toBe(true);
      const segment = { kind: "segment", name, baseOffset, leaderEpoch, id };
      expect(parsePartitionKey(path, key)).toEqual(segment);
    }),
  );
});

test("a segment is where it was said to be", () => {
  const name = segmentName({ baseOffset: 42, leaderEpoch: 7, id: "abcdefghijklmnopqrst-_" });
  expect(objectKey(path, name)).toBe(
    "cells/blue/topics/AAAAAAAAAAAAAAAAAAAAAA/3/00000000000000000042-7-abcdefghijklmnopqrst-_.segment",
  );
});

test("pages, manifest and packs are understood again", () => {
  const name = pageName({ baseOffset: 9, id: newObjectId(randomOf(1)) });
  expect(parsePartitionKey(path, objectKey(path, name))).toMatchObject({ kind: "page", name });
  expect(parsePartitionKey(path, manifestKey(path))).toEqual({ kind: "manifest" });
  const pack = { broker: 12, brokerEpoch: 345, sequence: 6789 };
  expect(parsePackKey("blue", packKey("blue", pack))).toEqual(pack);
  expect(packKey("blue", pack).startsWith(brokerPacksPrefix("blue", 12))).toBe(true);
});

test("the store's order of keys is that of offsets and of packs", () => {
  fc.assert(
    fc.property(offset, offset, (one, other) => {
      const key = (baseOffset: number) =>
        segmentName({ baseOffset, leaderEpoch: 1, id: "A".repeat(22) });
      const pack = (sequence: number) => packKey("blue", { broker: 1, brokerEpoch: 2, sequence });
      expect(key(one) < key(other)).toBe(one < other);
      expect(pack(one) < pack(other)).toBe(one < other);
    }),
  );
});

test.each([
  "cells/blue/topics/AAAAAAAAAAAAAAAAAAAAAA/30/manifest",
  "cells/green/topics/AAAAAAAAAAAAAAAAAAAAAA/3/manifest",
  `${partitionPrefix(path)}00000000000000000042-7.segment`,
  `${partitionPrefix(path)}42-7-${"A".repeat(22)}.segment`,
  `${partitionPrefix(path)}00000000000000000042-07-${"A".repeat(22)}.segment`,
  `${partitionPrefix(path)}99999999999999999999-7-${"A".repeat(22)}.segment`,
  `${partitionPrefix(path)}00000000000000000042-7-${"A".repeat(22)}.segment.tmp`,
  `${partitionPrefix(path)}manifest-pages/7`,
  `${partitionPrefix(path)}notes.txt`,
])("%s is not one of the partition's objects", (key) => {
  expect(parsePartitionKey(path, key)).toBeNull();
});

test.each(["1/2/3.pack", "01/0000000000000002/0000000000000003.pack", "x"])(
  "%s is no pack",
  (name) => {
    expect(parsePackKey("blue", packsPrefix("blue") + name)).toBeNull();
  },
);
