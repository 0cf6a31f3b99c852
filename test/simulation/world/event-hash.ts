/** A running hash of everything that happens in a run: two runs of a seed are the same run if, and only if, theirs are equal. */
export type EventHash = {
  add(value: number): void;
  /** What a component did, where the numbers above would not show it: contents that were sent or stored. */
  addBytes(bytes: Uint8Array): void;
  digest(): string;
};

export function createEventHash(): EventHash {
  let low = 0x2545f491;
  let high = 0x9e3779b9;
  const float = new Float64Array(1);
  const words = new Uint32Array(float.buffer);

  function mix(word: number): void {
    low = Math.imul(low ^ word, 0x85ebca6b);
    low ^= low >>> 13;
    high = Math.imul(high ^ low ^ (word >>> 16), 0xc2b2ae35);
    high ^= high >>> 15;
  }

  return {
    add(value) {
      float[0] = value;
      mix(words[0]!);
      mix(words[1]!);
    },
    addBytes(bytes) {
      // Every byte counts of what is short; of what is long, its length and a sample: a difference in the rest shows where it is read.
      const step = bytes.length <= 64 ? 1 : Math.ceil(bytes.length / 64);
      mix(bytes.length);
      for (let at = 0; at < bytes.length; at += step) mix(bytes[at]!);
    },
    digest: () =>
      (high >>> 0).toString(16).padStart(8, "0") + (low >>> 0).toString(16).padStart(8, "0"),
  };
}
