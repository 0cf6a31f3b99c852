import type { DiskError } from "../../ports/disk.ts";
import { toDiskError } from "./disk-error.ts";

/** The flushes of one open file. After one that failed the kernel has dropped pages, and would report success for them: nothing is written or flushed again. */
export type FileFlushes = {
  /** Throws what the flush that failed has thrown. */
  assertWritable(): void;
  /** `sync` starts within this call, unless one beside writes is under way: that may fail. */
  flush(sync: () => Promise<void>): Promise<void>;
  flushBesideWrites(sync: () => Promise<void>): Promise<void>;
};

export function createFileFlushes(): FileFlushes {
  let failure: DiskError | null = null;
  let besideWrites: Promise<void> | null = null;

  function assertWritable(): void {
    if (failure !== null) throw failure;
  }

  async function flush(sync: () => Promise<void>): Promise<void> {
    if (besideWrites !== null) await besideWrites.catch(() => undefined);
    assertWritable();
    try {
      await sync();
    } catch (error) {
      failure = toDiskError(error);
      throw failure;
    }
  }

  return {
    assertWritable,
    flush,
    async flushBesideWrites(sync) {
      const flushed = flush(sync);
      besideWrites = flushed;
      try {
        await flushed;
      } finally {
        if (besideWrites === flushed) besideWrites = null;
      }
    },
  };
}
