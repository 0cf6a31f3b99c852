import type { Random } from "../../../ports/random.ts";

/** One component's own sequence of random numbers: drawing in one stream never shifts another. */
export type Stream = Random & {
  /** Uniform in [0, below). */
  int(below: number): number;
  /** Uniform in [from, to). */
  between(from: number, to: number): number;
  chance(share: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** How long until the next of events that come once in `meanMs` on average. */
  wait(meanMs: number): number;
  /** Uniform in the exponent: as often between 1 and 10 as between 10 and 100. */
  logBetween(from: number, to: number): number;
};

/** The stream of a name is the same whatever other streams are drawn from, and in whatever order they are first asked for. */
export type Streams = (name: string) => Stream;

export function createStreams(seed: number): Streams {
  const streams = new Map<string, Stream>();
  return (name) => {
    let stream = streams.get(name);
    if (stream === undefined) {
      stream = createStream(seed, name);
      streams.set(name, stream);
    }
    return stream;
  };
}

function createStream(seed: number, name: string): Stream {
  const next = createWords(seed, name);
  // 53 bits, as many as a number holds.
  const float = (): number => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
  /** Enough for everything that is not handed out as a number, and half as dear. */
  const roughFloat = (): number => next() / 2 ** 32;
  return {
    float,
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
    int: (below) => Math.floor(roughFloat() * below),
    between: (from, to) => from + roughFloat() * (to - from),
    chance: (share) => share > 0 && roughFloat() < share,
    pick: (values) => values[Math.floor(roughFloat() * values.length)]!,
    wait: (meanMs) => -Math.log(1 - roughFloat()) * meanMs,
    logBetween: (from, to) => from * (to / from) ** roughFloat(),
  };
}

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state in four locals, a few nanoseconds a word. */
function createWords(seed: number, name: string): () => number {
  let a = hashText(name, 0x9e3779b9);
  let b = hashText(name, 0x243f6a88);
  let c = (seed ^ a) >>> 0;
  let counter = (Math.floor(seed / 2 ** 32) ^ b) >>> 0;
  const next = (): number => {
    const word = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = ((c << 21) | (c >>> 11)) >>> 0;
    c = (c + word) >>> 0;
    return word;
  };
  for (let round = 0; round < 16; round++) next();
  return next;
}

function hashText(text: string, start: number): number {
  let hash = start;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
