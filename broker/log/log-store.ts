import { assert } from "../assert.ts";
import { OpenedStore } from "./opened-store.ts";
import { RecoveryError } from "./wal-recovery.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import type { LogOutput } from "../log-output.ts";
import type { Durability, PartitionLog } from "./partition-log.ts";
import type { ProducerLimits } from "./producer-state.ts";

/** All logs of this broker, in one WAL. Owns the directory. */
export type LogStore = {
  /** Logs found or created, failed ones too. */
  partitions(): Iterable<PartitionLog>;
  partition(topicId: string, index: number): PartitionLog | undefined;
  /**
   * A new, empty log. Whoever can append to it finds it again after a crash: its declaration is committed before its first batch. `durability` as for
   * `PartitionLog.declareDurability`; `replicated` by default.
   */
  create(topicId: string, index: number, durability?: Durability): PartitionLog;
  /** Forgets the log; its space is reclaimed. Reads under way go on as long as they hold their ranges. */
  drop(topicId: string, index: number): void;

  /** Largest batch this store takes, whatever a topic allows. */
  readonly maxBatchBytes: number;
  /** Whether a batch of that size can be appended now. False while others wait in `room`. */
  hasRoom(batchBytes: number): boolean;
  /** Resolves when it can, in the order of the calls. Whoever waited appends before it awaits anything else. */
  room(batchBytes: number): Promise<void>;
  /** Why nothing can be appended at all (disk full), or null. It passes by itself. */
  readonly refusal: string | null;

  /** Called after every commit with the logs whose `logEndOffset` has grown. The array is lent for the call. */
  onCommit(listener: (logs: readonly PartitionLog[]) => void): void;
  /**
   * Called after a failed write with the logs that had appends in it: these are undone, and the logs take none before `startLeaderEpoch` with a newer epoch
   * (replication.md L2: resign). Also called with a log found damaged, whose `failure` is then set.
   */
  onResign(listener: (logs: readonly PartitionLog[]) => void): void;

  statistics(): LogStatistics;
  /** Deletes what nothing needs any more and moves the little that is needed out of mostly dead files. Runs by itself too; resolves when done. */
  reclaim(): Promise<void>;
  /** The oldest files that are done with but for what they hold, `count` at most, and what that is. Empty while the disk does not say. */
  oldestFiles(count: number): Promise<readonly PinnedFile[]>;
  /** Bytes free on the disk. */
  freeBytes(): Promise<number>;
  /** Writes and flushes everything appended, stores a checkpoint and lets go of the directory. Appending is over when it is called. */
  close(): Promise<void>;
};

/** A file of the WAL, and which logs keep it, each by what lies below an offset. */
export type PinnedFile = {
  readonly sizeBytes: number;
  readonly holds: readonly { topicId: string; index: number; endOffset: number }[];
};

export type LogStoreOptions = {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly directory: string;
  readonly config: LogStoreConfig;
  readonly producerLimits: ProducerLimits;
  readonly log: LogOutput;
  /** The disk has lost data it was told to keep (a failed flush), or it is not known what it holds: the process must end. Called once. */
  readonly onFatal: (error: Error) => void;
};

export type LogStoreConfig = {
  /** Newest bytes of the WAL kept in memory. */
  readonly ringBytes: number;
  /** Divides `ringBytes` and `fileBytes`. */
  readonly chunkBytes: number;
  readonly fileBytes: number;
  /** Memory for what readers are sent that is no slice of the ring: read from disk, or small batches copied together. */
  readonly readBytes: number;
  /** Files the WAL is done with that are kept for it to go on in; more while it needs more. */
  readonly poolFiles: number;
  /** What durability `replicated` may lose in a host crash. */
  readonly flushIntervalMs: number;
  /** Appends are refused while the disk has less than this free and no prepared file is left. */
  readonly minFreeBytes: number;
};

export const defaultLogStoreConfig: LogStoreConfig = {
  ringBytes: 128 * 1024 * 1024,
  chunkBytes: 4 * 1024 * 1024,
  fileBytes: 128 * 1024 * 1024,
  readBytes: 16 * 1024 * 1024,
  poolFiles: 4,
  flushIntervalMs: 1_000,
  minFreeBytes: 256 * 1024 * 1024,
};

/** Plain numbers since the store was opened, for metrics. */
export type LogStatistics = {
  readonly appendedBytes: number;
  readonly writtenBytes: number;
  readonly commits: number;
  readonly flushes: number;
  readonly failedWrites: number;
  /** Sum and largest of the time from the start of a commit's write to its completion. */
  readonly commitMsSum: number;
  readonly commitMsMax: number;
  readonly flushMsSum: number;
  readonly flushMsMax: number;
  readonly ringBytes: number;
  /** Appended and not yet written. */
  readonly unwrittenBytes: number;
  readonly pinnedChunks: number;
  readonly sparesInUse: number;
  /** Of the config's: lent to readers. */
  readonly readBytes: number;
  readonly walFiles: number;
  readonly pooledFiles: number;
  readonly sizeOnDisk: number;
  readonly reclaimedFiles: number;
  readonly copiedBytes: number;
};

export async function openLogStore(options: LogStoreOptions): Promise<LogStore> {
  const { disk, directory } = options;
  checkConfig(options.config);
  await disk.makeDirectory(directory);
  const lock = await disk.lock(`${directory}/lock`);
  if (lock === null) throw new RecoveryError(`${directory} is in use by another process`);
  try {
    const opened = new OpenedStore(options, lock);
    await opened.recover();
    return opened;
  } catch (error) {
    await lock.close();
    throw error;
  }
}

const checkConfig = ({ ringBytes, chunkBytes, fileBytes }: LogStoreConfig): void => {
  assert(
    ringBytes % chunkBytes === 0 && fileBytes % chunkBytes === 0,
    "chunks divide ring and file",
  );
  assert(ringBytes >= 4 * chunkBytes && fileBytes < 2 ** 32, "the ring has four chunks at least");
};
