import { DiskError } from "../../ports/disk.ts";
import { encodeCheckpoint } from "./checkpoint.ts";
import { writeFooter } from "./footer-io.ts";
import { oldestAddress } from "./hot-ring.ts";
import type { LogTable } from "./log-table.ts";
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

export function createSettler(
  wal: Wal,
  table: LogTable,
  options: { onFatal: (error: unknown) => void; onSettled: () => void },
): Settler {
  let pending: { sequence: number; bytes: Uint8Array } | null = null;
  let checkpointSequence = 0;
  let queue: Promise<void> = Promise.resolve();

  const capture = (sequence: number): { sequence: number; bytes: Uint8Array } => {
    const files = wal.files.map((file) => file.sequence).filter((each) => each < sequence);
    const { sequence: previousSequence, end: previousEnd } = wal.previous;
    const { nextNumber } = table;
    const logs = [...table.byNumber.values()];
    const position = { sequence, previousSequence, previousEnd, files, nextNumber };
    return { sequence, bytes: encodeCheckpoint(position, logs) };
  };

  const canCheckpoint = (): boolean => {
    for (const log of table.byNumber.values()) {
      if (log.isRebuilding && log.failure === null) return false;
    }
    return true;
  };

  async function store(checkpoint: { sequence: number; bytes: Uint8Array }): Promise<void> {
    await wal.disk.writeFile(`${wal.directory}/${checkpointName}`, checkpoint.bytes);
    checkpointSequence = checkpoint.sequence;
  }

  async function settleAll(): Promise<void> {
    for (const file of wal.files.slice()) {
      // One that ends at 0 was begun in vain.
      const isSettled = file !== wal.current && file.end > 0 && file.flushedEnd === file.end;
      if (isSettled && file.footer === null && !file.isRetired) await writeFooter(wal.disk, file);
    }
    dropColdIndexes(wal, table);
    const ready = pending;
    if (ready === null) return;
    const older = wal.files.filter((file) => file.sequence < ready.sequence);
    if (older.some((file) => file.footer === null)) return;
    pending = null;
    await store(ready);
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
    canCheckpoint,
    rotated(next) {
      pending = canCheckpoint() ? capture(next.sequence) : null;
    },
    settled: () => enqueue(),
    invalidate() {
      pending = null;
    },
    get checkpointSequence() {
      return checkpointSequence;
    },
    checkpoint: (sequence) => store(capture(sequence)),
    idle: () => queue,
  };
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
