import { DiskError } from "../../ports/disk.ts";
import { toDiskError } from "./disk-error.ts";
import { startWalThread, type WalThread, type WalTarget } from "./wal-thread.ts";
import { writeAllSync } from "./write-all.ts";
import { createWriteCost } from "./write-cost.ts";

/** Writes and flushes shared memory, in the order of the calls: at once if that is cheap, else on a thread of its own, whose end is final for all of it. */
export type WalWriter = {
  write(target: WalTarget, chunks: readonly Uint8Array[], position: number): Promise<void>;
  flush(target: WalTarget): Promise<void>;
  close(): Promise<void>;
};

export function createWalWriter(start: () => WalThread = startWalThread): WalWriter {
  const cost = createWriteCost();
  let thread: WalThread | null = null;
  let isClosed = false;

  function ofThread(): WalThread {
    if (isClosed) throw new DiskError("closed", "the disk is closed");
    return (thread ??= start());
  }

  function writeHere(target: WalTarget, chunks: readonly Uint8Array[], position: number): number {
    const startMs = performance.now();
    try {
      writeAllSync(target.fd, chunks, position);
    } catch (error) {
      // What fails may first have waited long, and would again with every attempt.
      cost.noteFailure();
      throw toDiskError(error);
    }
    return performance.now() - startMs;
  }

  return {
    async write(target, chunks, position) {
      const byteLength = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      const isFree = !isClosed && (thread === null || thread.isIdle);
      if (isFree && cost.isCheap(byteLength)) {
        cost.note(byteLength, writeHere(target, chunks, position));
        // Not before the others of this turn of the event loop have been heard: what they append is the next write, and not one each.
        return new Promise((resolve) => void setImmediate(resolve));
      }
      cost.note(byteLength, await ofThread().write(target, chunks, position));
    },
    async flush(target) {
      await ofThread().flush(target);
    },
    async close() {
      isClosed = true;
      await thread?.close();
    },
  };
}
