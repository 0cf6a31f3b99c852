import type { Clock } from "../../ports/clock.ts";
import type { LogRange, MaterialisedBytes } from "../log/log-range.ts";

// Bytes that came from the object store, as a response carries them. They are the response's own: what a slow reader keeps waiting is counted, and what is
// being read already, and beyond a bound nothing more is read for anybody until some of it is gone.

/** Memory that waits to be sent. */
export type LentBytes = {
  readonly limit: number;
  used: number;
  /** What reads under way have asked for. */
  coming: number;
  /** The oldest first: whose connection is closed if the memory is needed. */
  readonly giveUps: Set<() => void>;
  readonly waiting: (() => void)[];
};

export const createLentBytes = (limit: number): LentBytes => ({
  limit,
  used: 0,
  coming: 0,
  giveUps: new Set(),
  waiting: [],
});

/** Room for what a read may come to, until it has come. */
export type Room = { release(): void };

/** A reader that takes nothing for so long is closed when others need its memory. */
const patienceMs = 10_000;
const waitersAtMost = 1_024;

/** Room for one more answer of so many bytes, perhaps after a while; null if there is none even then. */
export function roomFor(
  lent: LentBytes,
  bytes: number,
  clock: Clock,
): Promise<Room | null> | Room | null {
  if (hasRoom(lent)) return taken(lent, bytes);
  if (lent.waiting.length >= waitersAtMost) return null;
  return new Promise((resolve) => {
    const go = (): void => {
      cancel();
      resolve(taken(lent, bytes));
    };
    const cancel = clock.after(patienceMs, () => {
      const place = lent.waiting.indexOf(go);
      if (place >= 0) lent.waiting.splice(place, 1);
      // Not where it is only reads that take their time.
      const [oldest] = lent.giveUps;
      if (lent.used >= lent.limit) oldest?.();
      resolve(hasRoom(lent) ? taken(lent, bytes) : null);
    });
    lent.waiting.push(go);
  });
}

const hasRoom = ({ used, coming, limit }: LentBytes): boolean => used + coming < limit;

function taken(lent: LentBytes, bytes: number): Room {
  lent.coming += bytes;
  return {
    release() {
      lent.coming -= bytes;
      callNext(lent);
    },
  };
}

function callNext(lent: LentBytes): void {
  while (hasRoom(lent) && lent.waiting.length > 0) lent.waiting.shift()!();
}

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
      callNext(lent);
    },
  };
}
