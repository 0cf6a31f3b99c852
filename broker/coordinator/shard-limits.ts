import type { RewriteLimits } from "./rewrite.ts";

export type ShardLimits = {
  /** One append: what was queued plus a piece of a rewrite stays below this. Kafka's default max.message.bytes, less the batch header. */
  readonly batchBytes: number;
  /** Decisions are refused (retriably) while this much waits for the append under way. */
  readonly queueBytes: number;
  /** Reads and decisions that may wait, whatever their size. */
  readonly queueCount: number;
  /** How long anybody waits for a commit: offsets.commit.timeout.ms. */
  readonly commitTimeoutMs: number;
  readonly rewrite: RewriteLimits;
  /** After a failed append or load: first and longest wait before the next load. */
  readonly retryMinimumMs: number;
  readonly retryMaximumMs: number;
};

export const defaultShardLimits: ShardLimits = {
  batchBytes: 1_048_000,
  queueBytes: 400 * 1024,
  queueCount: 20_000,
  commitTimeoutMs: 5_000,
  rewrite: { minimumBytes: 4 * 1024 * 1024, growthFactor: 2, pieceBytes: 96 * 1024 },
  retryMinimumMs: 100,
  retryMaximumMs: 5_000,
};
