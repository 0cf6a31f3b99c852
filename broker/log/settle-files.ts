import { DiskError, type Disk } from "../../ports/disk.ts";
import { CheckpointCapture } from "./checkpoint-capture.ts";
import { writeFooter } from "./footer-io.ts";
import { oldestAddress } from "./hot-ring.ts";
import type { LogTable } from "./log-table.ts";
import type { StoredLog } from "./stored-log.ts";
import { checkpointName } from "./wal-recovery.ts";
import type { WalFile } from "./wal-file.ts";
import type { Wal } from "./wal.ts";

/**
 * What is done with a file once the WAL has gone on in another: its footer is written, the checkpoint taken at the change is stored, its index leaves memory when
 * its bytes have left the ring. In the background, one after the other; nothing waits for it but the next start, which replays from the last checkpoint.
 */
export type Settler = {
  /** The WAL goes on in `next` right now. */
  rotated(next: WalFile): void;
  /** Everything of the file is flushed. */
  settled(file: WalFile): void;
  /** False while the producers of a log are being rebuilt: what is in memory of them is not what they are. */
  canCheckpoint(): boolean;
  /** Appended state was undone: a checkpoint that has it in must not be stored. */
  invalidate(): void;
  /** Where replay would start. */
  readonly checkpointSequence: number;
  /** Stores the state of now, which is all flushed: replay starts with file `sequence`. */
  checkpoint(sequence: number): Promise<void>;
  idle(): Promise<void>;
};

/** As much as is encoded in less than a millisecond. */
const partBytes = 64 * 1024;

/** So many take 10 ms and more: not at every change of files when these follow each other fast. A start replays some files more. */
const manyLogs = 1_000;
const intervalMs = 1_000;
const changesAtMost = 4;

export function createSettler(
  wal: Wal,
  table: LogTable,
  options: { onFatal: (error: unknown) => void; onSettled: () => void },
): Settler {
  /** Written, and waiting for the files it speaks of to be done with. */
  let pending: CheckpointCapture | null = null;
  let checkpointSequence = 0;
  let queue: Promise<void> = Promise.resolve();
  const { path, nextPath } = pathsIn(wal.directory);
  const isDue = createPace(wal, table);

  async function store(written: CheckpointCapture): Promise<void> {
    pending = null;
    await wal.disk.rename(nextPath, path);
    checkpointSequence = written.sequence;
    for (const log of table.byNumber.values()) noteCheckpointed(log);
  }

  async function settleAll(): Promise<void> {
    await writeFooters(wal);
    dropColdIndexes(wal, table);
    if (wal.capture !== null) await write(wal.capture);
    if (pending !== null && !pending.isVoid && isSettledBefore(wal, pending.sequence))
      await store(pending);
  }

  async function write(taken: CheckpointCapture): Promise<void> {
    pending = null;
    try {
      await writeParts(wal.disk, nextPath, taken);
      pending = taken;
    } finally {
      if (wal.capture === taken) wal.capture = null;
    }
  }

  function enqueue(): void {
    queue = queue.then(async () => {
      try {
        await settleAll();
        options.onSettled();
      } catch (error) {
        if (wal.isDead) return;
        // Everything is as it was; it is tried again when the next file is done.
        if (error instanceof DiskError && error.code === "full") {
          wal.log.warn("no room for a WAL file's footer or a checkpoint", { error: error.message });
        } else options.onFatal(error);
      }
    });
  }

  return {
    canCheckpoint: () => areBuilt(table),
    rotated(next) {
      // One at a time: files change again.
      const isBusy = wal.capture !== null || (pending !== null && !pending.isVoid);
      if (isBusy || !areBuilt(table) || !isDue()) return;
      wal.capture = captureAll(wal, table, next.sequence);
      enqueue();
    },
    settled: () => enqueue(),
    invalidate() {
      if (wal.capture !== null) wal.capture.isVoid = true;
      if (pending !== null) pending.isVoid = true;
      wal.capture = null;
    },
    get checkpointSequence() {
      return checkpointSequence;
    },
    async checkpoint(sequence) {
      const taken = captureAll(wal, table, sequence);
      await write(taken);
      await store(taken);
    },
    idle: () => queue,
  };
}

const pathsIn = (directory: string): { path: string; nextPath: string } => {
  const path = `${directory}/${checkpointName}`;
  return { path, nextPath: `${path}.next` };
};

function captureAll(wal: Wal, table: LogTable, sequence: number): CheckpointCapture {
  const files = wal.files.map((file) => file.sequence).filter((each) => each < sequence);
  const { sequence: previousSequence, end: previousEnd } = wal.previous;
  return new CheckpointCapture(table, { sequence, previousSequence, previousEnd, files });
}

async function writeFooters(wal: Wal): Promise<void> {
  for (const file of wal.files.slice()) {
    // One that ends at 0 was begun in vain.
    const isSettled = file !== wal.current && file.end > 0 && file.flushedEnd === file.end;
    if (isSettled && file.footer === null && !file.isRetired) await writeFooter(wal.disk, file);
  }
}

const isSettledBefore = (wal: Wal, sequence: number): boolean =>
  wal.files.every((file) => file.sequence >= sequence || file.footer !== null);

const areBuilt = (table: LogTable): boolean => {
  for (const log of table.byNumber.values()) {
    if (log.isRebuilding && log.failure === null) return false;
  }
  return true;
};

/** Whether a change of files is one for a checkpoint. */
function createPace(wal: Wal, table: LogTable): () => boolean {
  let changes = 0;
  let lastMs = -Infinity;
  return () => {
    changes += 1;
    const nowMs = wal.clock.monotonicMs();
    const isEarly = changes < changesAtMost && nowMs - lastMs < intervalMs;
    if (table.byNumber.size >= manyLogs && isEarly) return false;
    changes = 0;
    lastMs = nowMs;
    return true;
  };
}

/** Stops where it is void: the file is not to be used then. */
async function writeParts(disk: Disk, path: string, taken: CheckpointCapture): Promise<void> {
  // One that was given up may have been longer.
  await disk.remove(path);
  const file = await disk.open(path, { create: true });
  try {
    for (let at = 0; !taken.isVoid;) {
      const part = taken.nextPart(partBytes);
      if (part === null) break;
      await file.write(part, at);
      at += part.reduce((sum, bytes) => sum + bytes.length, 0);
    }
    await file.flush();
  } catch (error) {
    // It may be what fills the disk.
    await disk.remove(path);
    throw error;
  } finally {
    await file.close();
  }
}

/** Indexes of files that the ring has nothing of any more: their footers serve from now on. */
function dropColdIndexes(wal: Wal, table: LogTable): void {
  const oldest = oldestAddress(wal.ring);
  for (const file of wal.files) {
    if (file === wal.current || file.index === null || file.footer === null) continue;
    if (file.address !== null && file.address + file.fileBytes > oldest) continue;
    for (const number of file.index.pieces.keys()) table.byNumber.get(number)?.forgetPiece(file);
    file.index = null;
  }
}

/** A capture has all logs there were: what each was then is stored now. */
const noteCheckpointed = (log: StoredLog): void => {
  log.checkpointedEnd = log.capturedEnd;
  if (log.beginning !== null && log.beginning.offset <= log.capturedEnd) log.beginning = null;
};
