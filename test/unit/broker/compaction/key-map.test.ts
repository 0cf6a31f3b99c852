import { expect, test } from "vitest";
import { createKeyHash, hashKey } from "../../../../broker/compaction/key-hash.ts";
import {
  createKeyMap,
  isFull,
  keyMapBytes,
  offsetOfKey,
  putKey,
} from "../../../../broker/compaction/key-map.ts";

const bytesOf = (key: string) => {
  const bytes = Buffer.from(`..${key}..`);
  return { bytes, place: { keyStart: 2, keyLength: bytes.length - 4 } };
};

const hashOf = (key: string, seed = 0): string => {
  const { bytes, place } = bytesOf(key);
  const hash = createKeyHash(seed);
  hashKey(hash, bytes, place);
  return Array.from(hash.words, (word) => word.toString(16).padStart(8, "0")).join("");
};

const put = (map: ReturnType<typeof createKeyMap>, key: string, offset: number): boolean => {
  const { bytes, place } = bytesOf(key);
  return putKey(map, bytes, place, offset);
};

const find = (map: ReturnType<typeof createKeyMap>, key: string): number => {
  const { bytes, place } = bytesOf(key);
  return offsetOfKey(map, bytes, place);
};

test("the hash is MurmurHash3's 128 bits in the 32-bit variant", () => {
  expect(hashOf("")).toBe("00000000000000000000000000000000");
  expect(hashOf("I will not buy this record, it is scratched.")).toBe(
    "a0a9683b25ac5e40d9af2895890dddf5",
  );
  expect(hashOf("a", 1)).not.toBe(hashOf("a", 2));
});

test("each byte of a key and its length change the hash", () => {
  const keys = new Set<string>();
  for (let length = 0; length < 40; length++) {
    const key = "k".repeat(length);
    keys.add(hashOf(key));
    keys.add(hashOf(`${key}\0`));
    for (let at = 0; at < length; at++)
      keys.add(hashOf(`${key.slice(0, at)}x${key.slice(at + 1)}`));
  }
  expect(keys.size).toBe(40 * 2 + (39 * 40) / 2);
});

test("a map gives each key its latest offset, and -1 to others", () => {
  const map = createKeyMap(keyMapBytes(2_000), 1);
  for (let index = 0; index < 2_000; index++) put(map, `key ${index}`, index);
  for (let index = 0; index < 2_000; index += 3) put(map, `key ${index}`, 10_000 + index);
  expect(map.keyCount).toBe(2_000);
  for (let index = 0; index < 2_000; index++) {
    expect(find(map, `key ${index}`)).toBe(index % 3 === 0 ? 10_000 + index : index);
    expect(find(map, `other ${index}`)).toBe(-1);
  }
});

test("a full map refuses new keys and still moves those it has", () => {
  const map = createKeyMap(24 * 10, 1);
  expect(map.maxKeys).toBe(9);
  for (let index = 0; index < 9; index++) expect(put(map, `${index}`, index)).toBe(true);
  expect(isFull(map)).toBe(true);
  expect(put(map, "new", 100)).toBe(false);
  expect(put(map, "3", 101)).toBe(true);
  expect(find(map, "3")).toBe(101);
  expect(find(map, "new")).toBe(-1);
});

test("a map of the memory reckoned for that many keys takes them", () => {
  for (const keyCount of [1, 2, 9, 10, 11, 1_000, 12_345]) {
    expect(createKeyMap(keyMapBytes(keyCount), 0).maxKeys).toBeGreaterThanOrEqual(keyCount);
  }
});
