/** Where a record's key lies; `RecordPosition` has it. */
export type KeyPlace = { readonly keyStart: number; readonly keyLength: number };

/** The 128 bits last computed, as four words; overwritten by the next `hashKey`. */
export type KeyHash = { readonly words: Uint32Array; readonly seed: number };

// MurmurHash3_x86_128 (Austin Appleby, public domain), the variant that needs 32-bit arithmetic only. Not cryptographic: whoever writes to a topic can find two
// keys with one hash. He gains nothing by it, for he may write either key, or its tombstone, outright. MD5, which Kafka takes, is a call into node:crypto and
// an allocation for each key: measured on keys of 16 bytes, 45 times as long, more than all else that compaction does with a record.

export const createKeyHash = (seed: number): KeyHash => ({ words: new Uint32Array(4), seed });

const c1 = 0x239b961b;
const c2 = 0xab0e9789 | 0;
const c3 = 0x38b34ae5;
const c4 = 0xa1e38b93 | 0;

/** Hashes the key at `key` in `bytes` into `hash.words`. */
export function hashKey(hash: KeyHash, bytes: Uint8Array, key: KeyPlace): void {
  const { words, seed } = hash;
  let h1 = seed | 0;
  let h2 = h1;
  let h3 = h1;
  let h4 = h1;
  let at = key.keyStart;
  const end = at + key.keyLength;
  for (; end - at >= 16; at += 16) {
    h1 = (Math.imul(rotate(h1 ^ mix1(wordAt(bytes, at)), 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 = (Math.imul(rotate(h2 ^ mix2(wordAt(bytes, at + 4)), 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 = (Math.imul(rotate(h3 ^ mix3(wordAt(bytes, at + 8)), 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 = (Math.imul(rotate(h4 ^ mix4(wordAt(bytes, at + 12)), 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  // What is left is padded with zeros, which mix to zero and change nothing.
  if (at < end) {
    h1 ^= mix1(wordBefore(bytes, at, end));
    h2 ^= mix2(wordBefore(bytes, at + 4, end));
    h3 ^= mix3(wordBefore(bytes, at + 8, end));
    h4 ^= mix4(wordBefore(bytes, at + 12, end));
  }
  h1 ^= key.keyLength;
  h2 ^= key.keyLength;
  h3 ^= key.keyLength;
  h4 ^= key.keyLength;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = avalanche((h2 + h1) | 0);
  h3 = avalanche((h3 + h1) | 0);
  h4 = avalanche((h4 + h1) | 0);
  h1 = (avalanche(h1) + h2 + h3 + h4) | 0;
  words[0] = h1;
  words[1] = h2 + h1;
  words[2] = h3 + h1;
  words[3] = h4 + h1;
}

const rotate = (value: number, count: number): number =>
  (value << count) | (value >>> (32 - count));

const mix1 = (word: number): number => Math.imul(rotate(Math.imul(word, c1), 15), c2);
const mix2 = (word: number): number => Math.imul(rotate(Math.imul(word, c2), 16), c3);
const mix3 = (word: number): number => Math.imul(rotate(Math.imul(word, c3), 17), c4);
const mix4 = (word: number): number => Math.imul(rotate(Math.imul(word, c4), 18), c1);

const avalanche = (value: number): number => {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
};

/** Little-endian, as the hash is defined. */
const wordAt = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** The word at `at`, with zeros for bytes from `end` on. */
const wordBefore = (bytes: Uint8Array, at: number, end: number): number => {
  let word = 0;
  for (let index = 0; index < 4 && at + index < end; index += 1) {
    word |= bytes[at + index]! << (8 * index);
  }
  return word;
};
