import { assert } from "../assert.ts";
import { createKeyHash, hashKey, type KeyHash, type KeyPlace } from "./key-hash.ts";

// The latest offset of each key of a log's dirty section, in memory of a fixed size: 24 bytes a key whatever its length, open addressing in typed arrays, so
// that the garbage collector sees four objects and not millions (the idea of Kafka's SkimpyOffsetMap).
//
// Keys are told apart by 128 bits of hash alone. Two keys of one hash would lose the older one's last record. Among n keys that has a chance of n^2 / 2^129:
// for the five million of 128 MiB, 4 in 10^26 per run; a disk that returns a wrong sector and matching checksums is likelier by far.
//
// Probing is linear, over the first words of the hashes only, which lie side by side, sixteen to a cache line: at load 0.9 a key that is absent takes some fifty
// steps, and those are three cache lines, where double hashing would touch ten.

export type KeyMap = {
  /** Keys that it takes. */
  readonly maxKeys: number;
  keyCount: number;
  readonly slotCount: number;
  readonly hash: KeyHash;
  /** The first word of each slot's hash; 0 for an empty slot. */
  readonly tags: Uint32Array;
  /** The other three words. */
  readonly rests: Uint32Array;
  readonly offsets: Float64Array;
};

const bytesPerSlot = 24;
/** Kafka's `log.cleaner.io.buffer.load.factor`. */
const loadFactor = 0.9;

/** Bytes of a map that takes `keyCount` keys. */
export const keyMapBytes = (keyCount: number): number =>
  Math.ceil((keyCount + 1) / loadFactor) * bytesPerSlot;

/** A map in `memoryBytes` bytes, all of which are allocated now. `seed` (any 32 bits) should differ from run to run. */
export function createKeyMap(memoryBytes: number, seed: number): KeyMap {
  const slotCount = Math.floor(memoryBytes / bytesPerSlot);
  const maxKeys = Math.floor(slotCount * loadFactor);
  assert(maxKeys >= 1 && slotCount < 2 ** 32, "a key map has room for a key, and slots of 32 bits");
  return {
    maxKeys,
    keyCount: 0,
    slotCount,
    hash: createKeyHash(seed),
    tags: new Uint32Array(slotCount),
    rests: new Uint32Array(slotCount * 3),
    offsets: new Float64Array(slotCount),
  };
}

/** Whether a key that it does not have would be refused. */
export const isFull = (map: KeyMap): boolean => map.keyCount >= map.maxKeys;

/** Notes that the key is at `offset`, which must not be smaller than what is noted. False, and nothing noted, where the key is new and the map full. */
export function putKey(map: KeyMap, bytes: Uint8Array, key: KeyPlace, offset: number): boolean {
  const slot = slotOf(map, bytes, key);
  if (map.tags[slot] === 0) {
    if (isFull(map)) return false;
    const { words } = map.hash;
    map.tags[slot] = tagOf(words);
    map.rests[slot * 3] = words[1]!;
    map.rests[slot * 3 + 1] = words[2]!;
    map.rests[slot * 3 + 2] = words[3]!;
    map.keyCount += 1;
  }
  map.offsets[slot] = offset;
  return true;
}

/** The latest offset noted for the key, or -1. */
export function offsetOfKey(map: KeyMap, bytes: Uint8Array, key: KeyPlace): number {
  if (map.keyCount === 0) return -1;
  const slot = slotOf(map, bytes, key);
  return map.tags[slot] === 0 ? -1 : map.offsets[slot]!;
}

const tagOf = (words: Uint32Array): number => (words[0] === 0 ? 1 : words[0]!);

/** The slot that has the key, or the empty one where it belongs; there is one, for the load stays under 1. */
function slotOf(map: KeyMap, bytes: Uint8Array, key: KeyPlace): number {
  hashKey(map.hash, bytes, key);
  const { tags, rests, slotCount } = map;
  const { words } = map.hash;
  const tag = tagOf(words);
  let slot = Math.floor((tag / 2 ** 32) * slotCount);
  for (;;) {
    const found = tags[slot]!;
    if (found === 0) return slot;
    if (
      found === tag &&
      rests[slot * 3] === words[1] &&
      rests[slot * 3 + 1] === words[2] &&
      rests[slot * 3 + 2] === words[3]
    ) {
      return slot;
    }
    slot = slot + 1 === slotCount ? 0 : slot + 1;
  }
}
