import { createManualClock, type ControlledClock } from "../../../../adapters/memory/clock.ts";
import {
  createMemoryDisk,
  type CrashOptions,
  type MemoryDisk,
} from "../../../../adapters/memory/disk.ts";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import {
  openLogStore,
  type LogStore,
  type LogStoreConfig,
} from "../../../../broker/log/log-store.ts";
import type { LogRange } from "../../../../broker/log/log-range.ts";
import { type PartitionLog } from "../../../../broker/log/partition-log.ts";
import { checkAppend } from "../../../../broker/log/producer-state.ts";
import { silentLog, type LogOutput } from "../../../../broker/log-output.ts";
import { directory, turnOver, turns } from "./store-fixture.ts";
import {
  cutModel,
  endOf,
  newModelLog,
  reconcile,
  type Found,
  type ModelBatch,
  type ModelLog,
} from "./torture-model.ts";

// A log store and what it must hold, the ways to trouble it, and the comparison after every restart. What it goes through is in torture-life.ts.

export type Slot = {
  readonly topicId: string;
  readonly index: number;
  live: ModelLog | null;
  dead: ModelLog[];
};
export type HeldRange = { readonly range: LogRange; readonly expected: Buffer };

const slotCount = 4;
/** Turns of the event loop after which what has not happened never will. */
const patience = 400;

export type LifeOptions = {
  readonly steps?: number;
  readonly trace?: (line: string) => void;
  readonly log?: LogOutput;
};

export class TortureError extends Error {}

export class TortureBase {
  readonly seed: number;
  readonly options: LifeOptions;
  readonly random: { float(): number };
  readonly config: LogStoreConfig;
  readonly slots: Slot[] = [];
  disk: MemoryDisk;
  store!: LogStore;
  clock!: ControlledClock;
  op = 0;
  /** Operations up to these numbers are written, and flushed. */
  writtenMark = 0;
  durableMark = 0;
  epoch = 0;
  time = 1_000;
  fatal: Error | null = null;
  mayBeFatal = false;
  isFull = false;
  releases: (() => void)[] = [];
  held: HeldRange[] = [];
  background: Promise<void>[] = [];
  failure: Error | null = null;
  /** Distinguishes this run's callbacks from those of a store that crashed. */
  opening = 0;
  restarts = 0;
  appended = 0;

  constructor(seed: number, options: LifeOptions = {}) {
    this.seed = seed;
    this.options = options;
    this.random = createSeededRandom(seed);
    const chunkBytes = this.pick([4096, 8192]);
    const fileBytes = chunkBytes * this.pick([2, 4, 8]);
    this.config = {
      chunkBytes,
      fileBytes,
      ringBytes: chunkBytes * this.pick([4, 4, 5, 8, 16]),
      poolFiles: this.pick([0, 1, 2]),
      flushIntervalMs: 1_000,
      minFreeBytes: this.pick([0, fileBytes]),
      // With the least, batches are read in parts, and readers wait for one another.
      readBytes: [8 * 1024, 64 * 1024, 1024 * 1024][seed % 3]!,
    };
    this.disk = createMemoryDisk();
    for (let at = 0; at < slotCount; at += 1) {
      this.slots.push({ topicId: `topic ${at >>> 1}`, index: at & 1, live: null, dead: [] });
    }
  }

  trace(line: string): void {
    this.options.trace?.(line);
  }

  int(below: number): number {
    return Math.floor(this.random.float() * below);
  }

  chance(share: number): boolean {
    return this.random.float() < share;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.int(values.length)]!;
  }

  fail(message: string): never {
    this.failure ??= new TortureError(`seed ${this.seed}, operation ${this.op}: ${message}`);
    throw this.failure;
  }

  async open(mark: number): Promise<void> {
    const run = (this.opening += 1);
    this.clock = createManualClock();
    this.store = await openLogStore({
      disk: this.disk,
      clock: this.clock,
      directory,
      config: this.config,
      producerLimits: {
        expirationMs: 86_400_000,
        maxProducers: 100,
        budget: { used: 0, limit: 10_000 },
      },
      log: this.options.log ?? silentLog,
      onFatal: (error) => {
        if (run === this.opening) this.fatal = error;
      },
    });
    this.store.onCommit((logs) => {
      if (run === this.opening) for (const log of logs) this.committed(log);
    });
    this.store.onResign((logs) => {
      if (run === this.opening) for (const log of logs) this.resigned(log);
    });
    await this.compare(mark);
  }

  slotOf(log: PartitionLog): Slot {
    return this.slots.find((slot) => slot.topicId === log.topicId && slot.index === log.index)!;
  }

  committed(log: PartitionLog): void {
    const slot = this.slotOf(log);
    if (this.store.partition(log.topicId, log.index) !== log) return;
    for (const batch of slot.live!.batches) {
      if (batch.isAcked || batch.lastOffset >= log.logEndOffset) continue;
      batch.isAcked = true;
      this.writtenMark = Math.max(this.writtenMark, batch.op);
      if (batch.durability === "fsync") this.durableMark = Math.max(this.durableMark, batch.op);
    }
    // Sometimes later: what is above it may be truncated.
    if (this.chance(0.7)) log.advanceHighWatermark(log.logEndOffset);
  }

  resigned(log: PartitionLog): void {
    if (this.store.partition(log.topicId, log.index) !== log) return;
    if (log.failure !== null) this.fail(`damage where there is none: ${log.failure}`);
    const model = this.slotOf(log).live!;
    this.trace(`resigned ${log.topicId}/${log.index} at ${log.nextOffset}`);
    const acked = endOf(model.batches.filter(({ isAcked }) => isAcked));
    if (log.nextOffset < acked) this.fail(`${acked} was acknowledged, ${log.nextOffset} is left`);
    cutModel(model, (this.op += 1), log.nextOffset);
  }

  /** The logs as a start has found them, against the model. */
  async compare(mark: number): Promise<void> {
    for (const slot of this.slots) {
      const log = this.store.partition(slot.topicId, slot.index);
      const found = log === undefined ? null : await this.foundOf(log);
      const candidates = slot.live === null ? slot.dead : [slot.live, ...slot.dead.toReversed()];
      if (found === null && (slot.live === null || slot.live.createdOp > mark)) {
        slot.live = null;
        slot.dead = [];
        continue;
      }
      const reasons: string[] = [];
      const match = candidates.find((model) => {
        const reason = reconcile(model, found, mark);
        if (reason !== null) reasons.push(reason);
        return reason === null;
      });
      if (match === undefined) {
        this.fail(
          `after restart ${this.restarts} ${slot.topicId}/${slot.index}: ${reasons.join("; ")} (mark ${mark})`,
        );
      }
      slot.live = match;
      slot.dead = [];
      this.checkProducers(log!, match);
      this.checkSize(log!, match);
      this.epoch = Math.max(this.epoch + 1, log!.leaderEpoch + 1);
      log!.startLeaderEpoch(this.epoch);
      if (this.chance(0.8)) log!.advanceHighWatermark(log!.logEndOffset);
    }
    this.op += 1;
    this.writtenMark = this.durableMark = this.op;
  }

  async foundOf(log: PartitionLog, isDamaged = false): Promise<Found> {
    if (log.failure !== null && !isDamaged) this.fail(`damage where there is none: ${log.failure}`);
    const batches: Buffer[] = [];
    for await (const batch of log.readBatches(log.logStartOffset, log.nextOffset)) {
      batches.push(Buffer.from(batch));
    }
    return { logStartOffset: log.logStartOffset, endOffset: log.nextOffset, batches };
  }

  /** The last batches of each producer are known as duplicates, and the next one is taken. */
  checkProducers(log: PartitionLog, model: ModelLog): void {
    const recent = new Map<number, ModelBatch[]>();
    for (const batch of model.batches) {
      if (batch.producer === null) continue;
      const list = recent.get(batch.producer.id) ?? [];
      recent.set(batch.producer.id, [...list, batch].slice(-5));
    }
    const latest = endOf(model.batches);
    for (const [id, batches] of recent) {
      for (const batch of batches) {
        if (batch.lastOffset < log.logStartOffset || latest === 0) continue;
        const verdict = checkAppend(log.producers, sequenced(batch));
        // Whoever sent what a truncation or a failed write took has had answers to what was five batches before it, and repeats no such: it is told of it, not where it is.
        const isKnown =
          verdict.kind === "rejected" && verdict.error === "DUPLICATE_SEQUENCE_NUMBER";
        if (isKnown && model.isCut && batch !== batches.at(-1)) continue;
        if (verdict.kind !== "duplicate" || verdict.batch.firstOffset !== batch.baseOffset) {
          this.fail(
            `${log.topicId}/${log.index}: a retry of ${batch.baseOffset} by ${id} is ${JSON.stringify(verdict)}`,
          );
        }
      }
      const last = batches.at(-1)!;
      if (last.lastOffset < log.logStartOffset) continue;
      const next = { ...sequenced(last), baseSequence: model.sequences.get(id)! };
      const verdict = checkAppend(log.producers, next);
      if (verdict.kind !== "append")
        this.fail(`the next batch of ${id} is ${JSON.stringify(verdict)}`);
    }
  }

  checkSize(log: PartitionLog, model: ModelLog): void {
    const expected = model.batches
      .filter(({ baseOffset }) => baseOffset >= log.logStartOffset)
      .reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (log.sizeBytes !== expected) {
      this.fail(
        `${log.topicId}/${log.index} says ${log.sizeBytes} bytes, has ${expected} from ${log.logStartOffset} on`,
      );
    }
  }

  /** A log that lives, made if need be. */
  logOf(slot: Slot): PartitionLog {
    const found = this.store.partition(slot.topicId, slot.index);
    if (found !== undefined) return found;
    slot.live = newModelLog((this.op += 1));
    const log = this.store.create(slot.topicId, slot.index);
    log.startLeaderEpoch((this.epoch += 1));
    this.trace(`${this.op} create ${slot.topicId}/${slot.index}`);
    return log;
  }

  get isHindered(): boolean {
    return this.isFull || this.releases.length > 0 || this.fatal !== null;
  }

  /** Waits for what must happen soon, unless something is in the way. False if it did not happen. */
  async soon(promise: Promise<unknown>, what: string): Promise<boolean> {
    let isDone = false;
    let error: unknown = null;
    promise.then(
      () => (isDone = true),
      (reason: unknown) => {
        isDone = true;
        error = reason;
      },
    );
    for (let turn = 0; turn < patience && !isDone; turn += 1) {
      await turnOver();
      if (this.isHindered && turn > 20) return false;
    }
    if (error !== null) throw error;
    // What failed is tried again every second.
    for (let round = 0; round < 4 && !isDone; round += 1) {
      await this.clock.advance(1_100);
      await turns(10);
    }
    if (!isDone && !this.isHindered) this.fail(`${what} never ends`);
    return isDone;
  }

  failSomething(): void {
    const kind = this.int(8);
    const { faults } = this.disk;
    this.trace(`fault ${kind}`);
    if (kind < 3) faults.failNext("write", { path: "/wal-" });
    else if (kind < 6) faults.shortWriteNext(this.int(3_000), { path: "/wal-" });
    else if (kind === 6) faults.failNext("read", { path: "/wal-" });
    else {
      const operation = this.pick(["flush", "writeFile", "rename", "open", "remove"] as const);
      faults.failNext(operation);
      this.trace(`fails: ${operation}`);
    }
    // A footer that cannot be written, or a flush that fails, ends the process.
    this.mayBeFatal = true;
  }

  holdSomething(): void {
    const operation = this.pick(["write", "flush", "read", "rename", "writeFile"] as const);
    this.trace(`hold ${operation}`);
    this.releases.push(this.disk.faults.hold(operation));
  }

  release(): void {
    this.releases.shift()?.();
  }

  async fillDisk(): Promise<void> {
    const free = await this.disk.freeBytes(directory);
    const used = 2 ** 40 - free;
    if (this.isFull) return;
    this.trace("disk full");
    this.disk.faults.setCapacity(Math.max(0, used) + this.int(2 * this.config.fileBytes));
    this.isFull = true;
  }

  async healed(): Promise<void> {
    this.trace("healed");
    for (const release of this.releases.splice(0)) release();
    this.disk.faults.setCapacity(2 ** 40);
    this.isFull = false;
    await turns(5);
    if (this.fatal !== null) return;
    await this.clock.advance(1_100);
    await turns(20);
    const work = this.background.splice(0);
    for (const each of work) await this.soon(each, "work in the background");
  }

  letGo(): void {
    this.opening += 1;
    this.fatal = null;
    this.mayBeFatal = false;
    this.held = [];
    this.background = [];
    for (const release of this.releases.splice(0)) release();
  }

  async restart(): Promise<void> {
    for (const each of this.held.splice(0)) each.range.release();
    await this.healed();
    if (this.fatal !== null) return this.afterFatal();
    this.trace("restart");
    await this.soon(this.store.close(), "a close");
    if (this.fatal !== null) return this.afterFatal();
    this.restarts += 1;
    const mark = this.mayBeFatal ? this.writtenMark : Infinity;
    this.letGo();
    this.disk = this.disk.crash();
    await this.open(mark);
  }

  async crash(): Promise<void> {
    const options = this.pick<CrashOptions>([
      {},
      {},
      {},
      { tornTail: true },
      { lostUnflushed: true },
      { lostUnflushed: true, tornTail: true },
      { reorderPages: true },
    ]);
    const isStrict = Object.keys(options).length === 0;
    await this.crashWith(options, isStrict ? this.writtenMark : this.durableMark);
    if (!this.chance(0.2)) return;
    // Once more at once: what one start found, the next one finds.
    const again = this.pick<CrashOptions>([{}, { lostUnflushed: true }, { reorderPages: true }]);
    await this.crashWith(again, this.op);
  }

  async crashWith(options: CrashOptions, mark: number): Promise<void> {
    this.trace(`crash ${JSON.stringify(options)}, mark ${mark}`);
    this.disk = this.disk.crash({ ...options, seed: this.int(1e9) });
    this.letGo();
    this.disk.faults.setCapacity(2 ** 40);
    this.isFull = false;
    this.restarts += 1;
    await this.open(mark);
  }

  async afterFatal(): Promise<void> {
    if (!this.mayBeFatal && !this.isFull) this.fail(`fatal: ${this.fatal!.message}`);
    this.trace(`fatal ${this.fatal!.message}`);
    await this.crashWith({ lostUnflushed: this.chance(0.5) }, this.durableMark);
  }
}

export const sequenced = (batch: ModelBatch) => ({
  producerId: batch.producer!.id,
  producerEpoch: 0,
  baseSequence: batch.producer!.sequence,
  lastOffsetDelta: batch.timestamps.length - 1,
  isTransactional: false,
});
