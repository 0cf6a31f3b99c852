/** How compacted topics are compacted in the object store. */
export type CompactionConfig = {
  /** How often it is looked at what is due: `log.cleaner.backoff.ms`. */
  readonly checkMs: number;
  /** Memory of the key map, in bytes: `log.cleaner.dedupe.buffer.size`. What does not fit waits for the next run. */
  readonly mapBytes: number;
  /** How long a partition rests whose run failed or came no further; twice as long after each further one, up to an hour. */
  readonly pauseMs: number;
};

export const defaultCompactionConfig: CompactionConfig = {
  checkMs: 15_000,
  mapBytes: 128 * 1024 * 1024,
  pauseMs: 60_000,
};
