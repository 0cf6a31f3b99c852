/** When committed records go to the object store, and how much of them stays here. */
export type TieringConfig = {
  /** `tier.segment.bytes`: a segment's worth of batches. */
  readonly segmentBytes: number;
  /** `tier.segment.max.age`: how long committed records may be in logs alone. */
  readonly maxAgeMs: number;
  /** Full segments go at once; else when they are old or in the way. */
  readonly isEager: boolean;
  /** What the log may take of the disk before cold records are moved out of its way. */
  readonly localBudgetBytes: number;
  /** `delete.grace`: how long an object outlives its place in the manifest. */
  readonly graceMs: number;
  /** How often it is looked at. */
  readonly checkMs: number;
};

const mebibyte = 1024 * 1024;

export const defaultTieringConfig: TieringConfig = {
  segmentBytes: 32 * mebibyte,
  maxAgeMs: 3_600_000,
  isEager: true,
  localBudgetBytes: 10 * 1024 * mebibyte,
  graceMs: 600_000,
  checkMs: 1_000,
};
