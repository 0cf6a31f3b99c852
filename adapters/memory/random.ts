import type { Random } from "../../ports/random.ts";

/**
 * The same numbers for the same seed, for ever: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021),
 * its state filled by splitmix32. Not for key material.
 */
export function createSeededRandom(seed: number): Random {
  const state = seededState(seed);
  const next = (): number => nextWord(state);
  return {
    bytes(count) {
      const bytes = new Uint8Array(count);
      for (let offset = 0; offset < count; offset += 4) {
        const word = next();
        for (let byte = 0; byte < 4 && offset + byte < count; byte++) {
          bytes[offset + byte] = word >>> (8 * byte);
        }
      }
      return bytes;
    },
    float: () => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53,
  };
}

function seededState(seed: number): Uint32Array {
  // Seeds beyond 32 bits count as well.
  let mixed = (seed ^ Math.imul(Math.floor(seed / 2 ** 32), 0x85ebca6b)) >>> 0;
  return Uint32Array.from({ length: 4 }, () => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let word = mixed;
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return (word ^ (word >>> 15)) >>> 0;
  });
}

function nextWord(state: Uint32Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = state;
  const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
  const third = c ^ a;
  const fourth = d ^ b;
  state[0] = a ^ fourth;
  state[1] = b ^ third;
  state[2] = third ^ (b << 9);
  state[3] = rotateLeft(fourth, 11);
  return result;
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
