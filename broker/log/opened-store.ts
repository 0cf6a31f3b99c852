import { assert } from "../assert.ts";
import { dropUnwrittenCopies } from "./copied-ranges.ts";
import { createHotRing } from "./hot-ring.ts";
import type { LogStatistics, LogStore, LogStoreOptions, PinnedFile } from "./log-store.ts";
import { addLog, createLogTable, findLog, removeLog, type LogTable } from "./log-table.ts";
import type { Durability, PartitionLog } from "./partition-log.ts";
import { releaseProducers } from "./producer-state.ts";
import { createProducerRebuilder, type ProducerRebuilder } from "./rebuild-producers.ts";
import { pinnedFiles, reclaimFiles, type ReclaimOptions } from "./reclaim.ts";
import { walStatistics } from "./wal-statistics.ts";
import { createRoomQueue, type RoomQueue } from "./room-queue.ts";
import { createSettler, type Settler } from "./settle-files.ts";
import type { LogContext, StoredLog } from "./stored-log.ts";
import { failWal, flushAll, prepareNext, scheduleCommit } from "./wal-commit.ts";
import { encodeDeclaration, entryBytes, flushedFlag } from "./wal-entry.ts";
import { closeHandle, type WalFile } from "./wal-file.ts";
import { FilePool, isSpareName } from "./wal-pool.ts";
import { recoverWal, type Recovered } from "./wal-recovery.ts";
import { failLogsWithHoles, type Replay } from "./wal-replay.ts";
import {
  appendControl,
  appendDeferred,
  createWal,
  fitsCurrent,
  hasSpace,
  maxBodyBytes,
  notePrevious,
  type CommitTarget,
  type Wal,
} from "./wal.ts";

const none = new Uint8Array(0);

/** The store behind `openLogStore`: puts the parts together and owns what lives as long as the directory is held. */
export class OpenedStore implements LogStore {
  readonly maxBatchBytes: number;
  readonly #options: LogStoreOptions;
  readonly #lock: { close(): Promise<void> };
  readonly #wal: Wal;
  readonly #table: LogTable = createLogTable();
  readonly #context: LogContext;
  readonly #settler: Settler;
  readonly #rooms: RoomQueue;
  readonly #rebuilder: ProducerRebuilder;
  readonly #commitListeners: ((logs: readonly PartitionLog[]) => void)[] = [];
  readonly #resignListeners: ((logs: readonly PartitionLog[]) => void)[] = [];
  #reclaiming: Promise<void> | null = null;
  #isReclaimWanted = false;
  #reclaimedFiles = 0;
  #copiedBytes = 0;
  #copyBudget: number;
  #paidBytes = 0;
  #isClosing = false;

  constructor(options: LogStoreOptions, lock: { close(): Promise<void> }) {
    const { config } = options;
    this.#options = options;
    this.#lock = lock;
    this.#copyBudget = config.fileBytes;
    this.maxBatchBytes = Math.min(maxBodyBytes(config.fileBytes), config.ringBytes / 2);
    this.#wal = this.#createWal();
    this.#wal.ring.onUnpin = () => this.#rooms.wake();
    this.#rooms = createRoomQueue(
      (bytes) => this.#canAppend(bytes),
      () => {
        if (this.#wal.deferred.length === 0) return;
        appendDeferred(this.#wal);
        scheduleCommit(this.#wal);
      },
    );
    this.#rebuilder = createProducerRebuilder(() => options.clock.nowMs());
    this.#context = {
      wal: this.#wal,
      producerLimits: options.producerLimits,
      maxBatchBytes: this.maxBatchBytes,
      onDamage: (log, reason) => this.#takeOffline(log, reason),
      onShrunk: () => this.#reclaimSoon(),
      rebuildProducers: (log) => this.#rebuilder.rebuild(log),
    };
    this.#settler = createSettler(this.#wal, this.#table, {
      onFatal: (error) => failWal(this.#wal, error),
      onSettled: () => this.#reclaimSoon(),
    });
  }

  #createWal(): Wal {
    const { disk, clock, log, directory, config } = this.#options;
    const { fileBytes, flushIntervalMs, readBytes } = config;
    const pool = new FilePool({ disk, clock, directory, log, ...config });
    return createWal(
      {
        disk,
        clock,
        log,
        directory,
        fileBytes,
        flushIntervalMs,
        readBytes,
        onFatal: this.#options.onFatal,
        onCommitted: (targets) => this.#tell(this.#commitListeners, targets),
        onFailed: (targets, discarded) => this.#undo(targets, discarded),
        onRotate: (next) => {
          this.#settler.rotated(next);
          void prepareNext(this.#wal);
        },
        onSettled: (file) => this.#settler.settled(file),
        onRoom: () => {
          this.#rooms.wake();
          scheduleCommit(this.#wal);
        },
      },
      { ring: createHotRing(config), pool, files: [], nextSequence: 1 },
    );
  }

  async recover(): Promise<void> {
    const { disk, directory, clock, log } = this.#options;
    const wal = this.#wal;
    const bootPath = `${directory}/boot`;
    const bootId = await disk.bootId(directory);
    const lastBoot = await disk.readFile(bootPath);
    const hasAllWrites =
      bootId !== null && lastBoot !== null && Buffer.from(lastBoot).toString() === bootId;
    const replay: Replay = {
      table: this.#table,
      context: this.#context,
      nowMs: clock.nowMs(),
      truncated: new Set(),
      gone: [],
    };
    const startMs = clock.monotonicMs();
    const recovered = await recoverWal({ disk, directory, log, replay, hasAllWrites });
    wal.files.push(...recovered.files);
    wal.nextSequence = recovered.nextSequence;
    wal.previous = recovered.previous;
    failLogsWithHoles(replay);
    await this.#finishLogs(replay);
    await this.#settler.checkpoint(recovered.nextSequence);
    // Only now: until the checkpoint is there, the next start must judge the old files as this one did.
    await disk.writeFile(bootPath, Buffer.from(bootId ?? ""));
    await this.#preparePool(recovered);
    log.info("recovered the log", {
      directory,
      partitions: this.#table.byNumber.size,
      files: recovered.files.length,
      replayedBytes: recovered.replayedBytes,
      tookMs: Math.round(clock.monotonicMs() - startMs),
    });
  }

  async #finishLogs(replay: Replay): Promise<void> {
    const unbuilt: StoredLog[] = [];
    for (const log of this.#table.byNumber.values()) {
      log.logEndOffset = log.nextOffset;
      log.highWatermark = Math.min(
        Math.max(log.highWatermark, log.localStartOffset),
        log.nextOffset,
      );
      if (log.failure !== null) {
        this.#options.log.error("a replica is damaged and stays offline", {
          topicId: log.topicId,
          partition: log.index,
          reason: log.failure,
        });
      } else if (replay.truncated.has(log)) unbuilt.push(log);
    }
    const built = await Promise.allSettled(unbuilt.map((log) => this.#rebuildAtStart(log)));
    for (const each of built) if (each.status === "rejected") throw each.reason;
  }

  async #rebuildAtStart(log: StoredLog): Promise<void> {
    try {
      log.producers = await this.#rebuilder.rebuild(log);
    } catch (error) {
      if (log.failure === null) throw error;
    }
  }

  async #preparePool({ unused }: Recovered): Promise<void> {
    const { disk, directory } = this.#options;
    const { pool } = this.#wal;
    const spares = (await disk.list(directory)).filter(isSpareName);
    await pool.adopt([...spares, ...unused.map((path) => path.slice(directory.length + 1))]);
    await prepareNext(this.#wal);
  }

  partitions(): Iterable<PartitionLog> {
    return this.#table.byNumber.values();
  }

  partition(topicId: string, index: number): PartitionLog | undefined {
    return findLog(this.#table, topicId, index);
  }

  create(topicId: string, index: number, durability: Durability = "replicated"): PartitionLog {
    assert(!this.#isClosing, "nothing is created once the store closes");
    const isFlushedFirst = durability === "fsync";
    const number = this.#table.nextNumber;
    const body = encodeDeclaration(topicId, index);
    appendControl(this.#wal, {
      kind: "declared",
      flags: isFlushedFirst ? flushedFlag : 0,
      partition: number,
      baseOffset: 0,
      body,
      needsFlush: isFlushedFirst,
      onCommitted: null,
    });
    scheduleCommit(this.#wal);
    const log = addLog(this.#table, this.#context, { topicId, index, number });
    log.isFlushedFirst = isFlushedFirst;
    return log;
  }

  drop(topicId: string, index: number): void {
    const log = findLog(this.#table, topicId, index);
    if (log === undefined || this.#isClosing) return;
    appendControl(this.#wal, {
      kind: "dropped",
      partition: log.number,
      baseOffset: 0,
      body: none,
      onCommitted: () => this.#reclaimSoon(),
    });
    scheduleCommit(this.#wal);
    removeLog(this.#table, log);
    log.isDropped = true;
    releaseProducers(log.producers);
  }

  hasRoom(batchBytes: number): boolean {
    return !this.#rooms.hasWaiters() && this.#canAppend(batchBytes);
  }

  /** An append would be answered now: it fits, or it is refused. */
  #canAppend(batchBytes: number): boolean {
    const wal = this.#wal;
    if (wal.isDead || this.#isClosing || batchBytes > this.maxBatchBytes) return true;
    if (wal.refusal !== null && !fitsCurrent(wal, entryBytes(batchBytes))) return true;
    return wal.deferred.length === 0 && hasSpace(wal, batchBytes);
  }

  room(batchBytes: number): Promise<void> {
    // Also with room now: who asks in the same breath must not be promised the same room.
    const room = this.#rooms.wait(batchBytes);
    this.#rooms.wake();
    return room;
  }

  get refusal(): string | null {
    const wal = this.#wal;
    if (wal.isDead) return "the WAL has failed";
    return wal.refusal !== null && !fitsCurrent(wal, entryBytes(0)) ? wal.refusal : null;
  }

  onCommit(listener: (logs: readonly PartitionLog[]) => void): void {
    this.#commitListeners.push(listener);
  }

  onResign(listener: (logs: readonly PartitionLog[]) => void): void {
    this.#resignListeners.push(listener);
  }

  #tell(
    listeners: readonly ((logs: readonly PartitionLog[]) => void)[],
    targets: readonly CommitTarget[],
  ): void {
    // The only targets there are.
    const logs = targets as readonly StoredLog[];
    for (const listener of listeners) listener(logs);
  }

  #undo(targets: readonly CommitTarget[], discarded: readonly WalFile[]): void {
    this.#settler.invalidate();
    for (const file of [...this.#wal.files, ...discarded]) {
      dropUnwrittenCopies(file, (number) => this.#table.byNumber.get(number));
    }
    for (const target of targets as readonly StoredLog[]) target.dropUnwritten();
    this.#tell(this.#resignListeners, targets);
  }

  #takeOffline(log: StoredLog, reason: string): void {
    if (log.failure !== null || log.isDropped) return;
    log.failure = reason;
    this.#options.log.error("a replica is damaged and goes offline", {
      topicId: log.topicId,
      partition: log.index,
      reason,
    });
    this.#tell(this.#resignListeners, [log]);
  }

  statistics(): LogStatistics {
    const reclaimed = { reclaimedFiles: this.#reclaimedFiles, copiedBytes: this.#copiedBytes };
    return { ...walStatistics(this.#wal), ...reclaimed };
  }

  reclaim(): Promise<void> {
    this.#reclaiming ??= this.#reclaim().finally(() => (this.#reclaiming = null));
    return this.#reclaiming;
  }

  /** What was freed while a run is under way is found by another, once for all of it. */
  #reclaimSoon(): void {
    if (this.#reclaiming === null) void this.reclaim();
    else if (!this.#isReclaimWanted) {
      this.#isReclaimWanted = true;
      void this.#reclaiming.then(() => {
        this.#isReclaimWanted = false;
        void this.reclaim();
      });
    }
  }

  async #reclaim(): Promise<void> {
    if (this.#isClosing || this.#wal.isDead) return;
    try {
      const reclaimed = await reclaimFiles(this.#reclaimOptions(this.#takeCopyBudget()));
      this.#reclaimedFiles += reclaimed.files;
      this.#copiedBytes += reclaimed.copiedBytes;
      this.#copyBudget -= reclaimed.copiedBytes;
      if (reclaimed.files > 0) void prepareNext(this.#wal);
    } catch (error) {
      // Nothing was given up; the next run tries again.
      this.#options.log.warn("cannot reclaim WAL files", { error: String(error) });
    }
  }

  #reclaimOptions(copyBudget: number): ReclaimOptions {
    return {
      wal: this.#wal,
      table: this.#table,
      checkpointSequence: this.#settler.checkpointSequence,
      room: (bytes) => this.room(bytes),
      isStopping: () => this.#isClosing,
      copyBudget,
    };
  }

  async oldestFiles(count: number): Promise<readonly PinnedFile[]> {
    if (this.#isClosing || this.#wal.isDead) return [];
    try {
      return await pinnedFiles(this.#reclaimOptions(0), count);
    } catch (error) {
      this.#options.log.warn("cannot tell what keeps WAL files", { error: String(error) });
      return [];
    }
  }

  /** A file's worth at start, then half of what is appended; never more than a file's worth is saved up. */
  #takeCopyBudget(): number {
    const { fileBytes } = this.#options.config;
    const appended = this.#wal.counters.appendedBytes - this.#copiedBytes;
    this.#copyBudget = Math.min(fileBytes, this.#copyBudget + (appended - this.#paidBytes) / 2);
    this.#paidBytes = appended;
    return this.#copyBudget;
  }

  freeBytes(): Promise<number> {
    return this.#options.disk.freeBytes(this.#options.directory);
  }

  async close(): Promise<void> {
    if (this.#isClosing) return;
    const wal = this.#wal;
    const isFlushed = await flushAll(wal);
    this.#isClosing = true;
    this.#rooms.wake();
    await this.#reclaiming;
    wal.isClosed = true;
    wal.cancelFlushTimer?.();
    wal.cancelRetry?.();
    await wal.flushingBeside;
    wal.current = null;
    try {
      if (isFlushed && !wal.isDead) await this.#storeCleanEnd();
    } catch (error) {
      this.#options.log.warn("no checkpoint at the end, the next start replays", {
        error: String(error),
      });
    }
    await wal.preparing;
    await wal.pool.close();
    for (const file of [...wal.files, ...(wal.next === null ? [] : [wal.next])]) {
      await closeHandle(file);
    }
    await this.#lock.close();
  }

  /** The next start replays nothing. */
  async #storeCleanEnd(): Promise<void> {
    const wal = this.#wal;
    const last = wal.files.at(-1);
    if (last !== undefined) this.#settler.settled(last);
    await this.#settler.idle();
    notePrevious(wal);
    if (wal.isDead || wal.files.some((file) => file.footer === null)) return;
    if (this.#settler.canCheckpoint()) await this.#settler.checkpoint(wal.nextSequence);
  }
}
