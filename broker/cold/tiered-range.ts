import type { LogRange, MaterialisedBytes } from "../log/log-range.ts";

// Bytes that came from the object store, as a response carries them. They are the response's own: what a slow reader keeps waiting is counted, and beyond a
// bound nothing more is read for anybody until some of it is gone.

/** Memory that waits to be sent. */
export type LentBytes = {
  readonly limit: number;
  used: number;
  /** The oldest first: whose connection is closed if the memory is needed. */
  readonly giveUps: Set<() => void>;
  readonly waiting: (() => void)[];
};

export const createLentBytes = (limit: number): LentBytes => ({
  limit,
  used: 0,
  giveUps: new Set(),
  waiting: [],
});

export function tieredRange(lent: LentBytes, bytes: Uint8Array): LogRange {
  lent.used += bytes.length;
  let giveUp: (() => void) | null = null;
  return {
    byteLength: bytes.length,
    queued(callback) {
      giveUp = callback;
      lent.giveUps.add(callback);
    },
    materialise(from, maxBytes): MaterialisedBytes {
      const chunk = bytes.subarray(from, from + maxBytes);
      return { chunks: [chunk], byteLength: chunk.length, release: () => undefined };
    },
    readAhead: () => undefined,
    release() {
      lent.used -= bytes.length;
      if (giveUp !== null) lent.giveUps.delete(giveUp);
      while (lent.used < lent.limit && lent.waiting.length > 0) lent.waiting.shift()!();
    },
  };
}
