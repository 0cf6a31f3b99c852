import type { LogStatistics } from "./log-store.ts";
import type { Wal } from "./wal.ts";

/** What a WAL holds in memory and on disk, and what it has done so far. */
export function walStatistics(wal: Wal): Omit<LogStatistics, "reclaimedFiles" | "copiedBytes"> {
  const { counters, ring, reading, files, pool, next, fileBytes, current } = wal;
  const reserved = files.reduce((sum, file) => sum + file.fileBytes, 0);
  const waiting = wal.spans.reduce((sum, span) => sum + span.end - span.start, 0);
  const unwritten = current === null ? 0 : current.end - current.writtenEnd;
  const preparedFiles = next === null ? 0 : 1;
  return {
    ...counters,
    ringBytes: ring.chunks.size * ring.chunkBytes,
    unwrittenBytes: Math.max(waiting, unwritten),
    pinnedChunks: new Set([...ring.pins].flatMap((pin) => pin.chunks)).size,
    sparesInUse: ring.setAsideCount,
    readBytes: reading.buffers.heldBytes,
    walFiles: files.length + preparedFiles,
    pooledFiles: pool.count,
    sizeOnDisk: reserved + (preparedFiles + pool.count) * fileBytes,
  };
}
