/** Randomness, seeded in the simulator. Not for key material unless the adapter says so (the Node one is). */
export type Random = {
  /** `count` random bytes, in a buffer of their own. */
  bytes(count: number): Uint8Array;
  /** Uniform in [0, 1). */
  float(): number;
};
