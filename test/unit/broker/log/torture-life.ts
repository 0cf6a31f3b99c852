import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { openLogStore } from "../../../../broker/log/log-store.ts";
import { LogReadError, type PartitionLog } from "../../../../broker/log/partition-log.ts";
import { checkAppend } from "../../../../broker/log/producer-state.ts";
import { RecoveryError } from "../../../../broker/log/wal-recovery.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { batchOf, directory, turnOver, turns } from "./store-fixture.ts";
import { endOf, reconcile, type ModelLog } from "./torture-model.ts";
import { type Slot, type HeldRange, TortureError, TortureBase } from "./torture-base.ts";

// One random life of a log store, from a seed: appends, reads, log starts, drops, reclaims, failing and full disks, crashes of process and host. After every
// restart the logs are compared with the model, and on the way whatever is read.

export class TortureLife extends TortureBase {
  async run(): Promise<void> {
    this.trace(JSON.stringify(this.config));
    await this.open(0);
    const steps = this.options.steps ?? 60 + this.int(240);
    for (let step = 0; step < steps; step += 1) {
      await this.step();
      if (this.failure !== null) throw this.failure;
      if (this.fatal !== null) await this.afterFatal();
    }
    await this.healed();
    await this.restart();
    await this.restart();
    if (this.chance(0.3)) await this.damage();
    else await this.store.close();
    if (this.failure !== null) throw this.failure;
  }

  async step(): Promise<void> {
    const at = this.random.float();
    const slot = this.pick(this.slots);
    if (at < 0.5) return this.append(slot);
    if (at < 0.58) return turns(this.int(20));
    if (at < 0.66) return this.read(slot);
    if (at < 0.69) return this.readByTime(slot);
    if (at < 0.72) return this.useRange();
    if (at < 0.77) return this.moveStart(slot);
    if (at < 0.785) return this.drop(slot);
    if (at < 0.81) return this.passTime();
    if (at < 0.84) return this.inBackground(this.store.reclaim());
    if (at < 0.86) return this.retain(slot);
    if (at < 0.87) return this.truncate(slot);
    if (at < 0.885) return this.failSomething();
    if (at < 0.9) return this.holdSomething();
    if (at < 0.93) return this.release();
    if (at < 0.945) return this.fillDisk();
    if (at < 0.96) return this.healed();
    if (at < 0.975) return this.restart();
    return this.crash();
  }

  inBackground(work: Promise<unknown>): void {
    const run = this.opening;
    const guarded = work.then(
      () => undefined,
      (error: unknown) => {
        if (run === this.opening && !(error instanceof LogReadError)) {
          this.failure ??= error instanceof Error ? error : new Error(String(error));
        }
      },
    );
    this.background.push(guarded);
  }

  async append(slot: Slot): Promise<void> {
    const log = this.logOf(slot);
    const model = slot.live!;
    const size = this.chance(0.1)
      ? this.store.maxBatchBytes - this.int(200)
      : this.int(this.chance(0.2) ? 6_000 : 500);
    const id = this.chance(0.4) ? 1 + this.int(3) : null;
    const producer = id === null ? null : { id, epoch: 0, sequence: model.sequences.get(id) ?? 0 };
    const count = 1 + this.int(3);
    this.time += this.int(50) - 10;
    const values = Array.from({ length: count }, (_, at) =>
      at === 0 ? `${this.op} `.padEnd(Math.max(1, size - 140), "v") : `${at}`,
    );
    const { batch, facts } = batchOf({
      values,
      timestamp: this.time,
      ...(producer === null ? {} : { producer }),
    });
    if (batch.length > this.store.maxBatchBytes) return;
    if (!this.store.hasRoom(batch.length)) {
      const run = this.opening;
      if (!(await this.soon(this.store.room(batch.length), "a wait for room"))) return;
      if (run !== this.opening || this.store.partition(slot.topicId, slot.index) !== log) return;
    }
    if (slot.live !== model) return;
    if (producer !== null) {
      const verdict = checkAppend(log.producers, facts);
      if (verdict.kind === "duplicate") this.fail(`a new batch of ${producer.id} is a duplicate`);
      // Its state is being rebuilt, or a cut has set it back.
      if (
        verdict.kind !== "append" ||
        (model.sequences.get(producer.id) ?? 0) !== producer.sequence
      )
        return;
    }
    const durability = this.chance(0.5) ? "fsync" : "replicated";
    const epoch = this.epochOf(log);
    const outcome = log.append(batch, facts, { leaderEpoch: epoch, durability, nowMs: 1_000 });
    if (outcome.kind === "fenced") {
      log.startLeaderEpoch((this.epoch += 1));
      this.epochs.set(log, this.epoch);
      return;
    }
    if (outcome.kind !== "appended") return;
    const baseOffset = endOf(model.batches);
    this.op += 1;
    this.appended += 1;
    this.trace(
      `${this.op} append ${slot.topicId}/${slot.index} at ${outcome.baseOffset}, ${batch.length} bytes, ${durability}`,
    );
    if (outcome.baseOffset !== baseOffset) {
      this.fail(`appended at ${outcome.baseOffset}, the log ends at ${baseOffset}`);
    }
    model.batches.push({
      op: this.op,
      baseOffset,
      lastOffset: outcome.lastOffset,
      bytes: Buffer.from(batch),
      durability,
      epoch,
      timestamps: values.map((_, index) => facts.maxTimestamp - (count - 1) + index),
      producer: producer === null ? null : { id: producer.id, sequence: producer.sequence },
      isAcked: false,
    });
    if (producer !== null) model.sequences.set(producer.id, producer.sequence + count);
  }

  readonly epochs = new WeakMap<PartitionLog, number>();

  epochOf(log: PartitionLog): number {
    let epoch = this.epochs.get(log);
    if (epoch === undefined) {
      epoch = this.epoch += 1;
      log.startLeaderEpoch(epoch);
      this.epochs.set(log, epoch);
    }
    return epoch;
  }

  async read(slot: Slot): Promise<void> {
    const log = this.store.partition(slot.topicId, slot.index);
    if (log === undefined) return;
    const { logStartOffset, logEndOffset } = log;
    const fromOffset = logStartOffset + this.int(logEndOffset - logStartOffset + 1);
    const request = {
      fromOffset,
      upToOffset: this.chance(0.8) ? logEndOffset : fromOffset + this.int(8),
      maxBytes: this.pick([0, 1, 300, 2_000, 20_000, 1e6]),
      atLeastOneBatch: this.chance(0.8),
    };
    if (request.upToOffset > logEndOffset) return;
    const model = slot.live!;
    const work = this.checkRead(log, model, request);
    if (this.chance(0.7)) await this.soon(work, "a read");
    else this.inBackground(work);
  }

  async checkRead(
    log: PartitionLog,
    model: ModelLog,
    request: Parameters<PartitionLog["read"]>[0],
  ): Promise<void> {
    const { fromOffset, upToOffset } = request;
    const run = this.opening;
    const expectedFirst = model.batches.find(({ lastOffset }) => lastOffset >= fromOffset);
    const known = model.batches.slice();
    const result = await log.read(request);
    if (run !== this.opening) return;
    if (result.kind !== "data") {
      if (result.kind === "empty" && request.atLeastOneBatch && expectedFirst !== undefined) {
        const isMoved = log.logStartOffset > fromOffset || model.droppedOp < Infinity;
        if (expectedFirst.lastOffset < upToOffset && !isMoved && model.pasts.length === 0) {
          this.fail(`nothing at ${fromOffset} of ${log.topicId}/${log.index}`);
        }
      }
      return;
    }
    const first = known.findIndex(({ baseOffset }) => baseOffset === result.baseOffset);
    const last = known.findIndex(({ lastOffset }) => lastOffset + 1 === result.nextOffset);
    if (first < 0 || last < first) this.fail(`read [${result.baseOffset}, ${result.nextOffset})`);
    if (
      known[first] !== expectedFirst &&
      log.logStartOffset <= fromOffset &&
      model.droppedOp === Infinity
    ) {
      this.fail(`a read from ${fromOffset} began at ${result.baseOffset}`);
    }
    if (result.nextOffset > upToOffset)
      this.fail(`read to ${result.nextOffset}, past ${upToOffset}`);
    const expected = Buffer.concat(known.slice(first, last + 1).map(({ bytes }) => bytes));
    if (expected.length !== result.records.byteLength) {
      this.fail(
        `${result.records.byteLength} bytes of [${result.baseOffset}, ${result.nextOffset}), not ${expected.length}`,
      );
    }
    this.held.push({ range: result.records, expected });
    if (this.held.length > 4 || this.chance(0.6)) await this.useRange();
  }

  async useRange(): Promise<void> {
    const [held] = this.held.splice(this.int(this.held.length), 1);
    if (held === undefined) return;
    const work = this.materialise(held);
    if (this.chance(0.8)) await this.soon(work, "materialising");
    else this.inBackground(work);
  }

  async materialise({ range, expected }: HeldRange): Promise<void> {
    const run = this.opening;
    try {
      const step = Math.max(this.pick([100, 4_096, 5_000, 1e6]), Math.ceil(range.byteLength / 50));
      for (let at = 0; at < range.byteLength;) {
        const part = await range.materialise(at, step);
        if (this.chance(0.3)) range.readAhead(at + part.byteLength, step);
        if (this.chance(0.3)) await turnOver();
        if (run !== this.opening) return;
        const bytes = Buffer.concat(part.chunks);
        if (!bytes.equals(expected.subarray(at, at + bytes.length)))
          this.fail("read other bytes than were written");
        at += bytes.length;
        part.release();
      }
    } catch (error) {
      // The disk did not answer, or has crashed.
      if (error instanceof TortureError || error instanceof LogReadError) throw error;
    } finally {
      range.release();
    }
  }

  async readByTime(slot: Slot): Promise<void> {
    const log = this.store.partition(slot.topicId, slot.index);
    if (log === undefined) return;
    const { logStartOffset, logEndOffset } = log;
    const timestamp = this.time - this.int(2_000);
    const model = slot.live!;
    const isQuiet = this.background.length === 0;
    let expected: number | null = null;
    for (const batch of model.batches) {
      if (batch.lastOffset >= logEndOffset) break;
      const place = batch.timestamps.findIndex(
        (each, at) => each >= timestamp && batch.baseOffset + at >= logStartOffset,
      );
      if (place >= 0) {
        expected = batch.baseOffset + place;
        break;
      }
    }
    const run = this.opening;
    const found = log.findOffsetByTimestamp(timestamp, logEndOffset).then(
      (answer) => {
        if (run !== this.opening || log.logStartOffset !== logStartOffset || !isQuiet) return;
        if (model.droppedOp < Infinity || model.pasts.length > 0) return;
        if ((answer?.offset ?? null) !== expected) {
          this.fail(`by time ${timestamp}: ${answer?.offset ?? null}, not ${expected}`);
        }
      },
      (error: unknown) => {
        if (error instanceof TortureError) throw error;
      },
    );
    await this.soon(found, "a look-up by time");
  }

  async moveStart(slot: Slot, to?: number): Promise<void> {
    const log = this.store.partition(slot.topicId, slot.index);
    if (log === undefined) return;
    const { logStartOffset, highWatermark } = log;
    if (highWatermark <= logStartOffset) return;
    const share = this.chance(0.3) ? 1 : this.random.float();
    const offset = to ?? logStartOffset + Math.floor((highWatermark - logStartOffset) * share);
    this.trace(`${this.op} log start ${slot.topicId}/${slot.index} to ${offset}`);
    // It is somewhere in the WAL when the call resolves.
    const start = { op: Infinity, offset };
    slot.live!.starts.push(start);
    const moved = log.moveLogStart(offset).then((isMoved) => {
      if (isMoved) start.op = this.op += 1;
    });
    if (this.chance(0.5)) await this.soon(moved, "a move of the log start");
    else this.inBackground(moved);
  }

  async retain(slot: Slot): Promise<void> {
    const log = this.store.partition(slot.topicId, slot.index);
    if (log === undefined || this.background.length > 0) return;
    const model = slot.live!;
    const retentionBytes = this.int(30_000);
    const { logStartOffset } = log;
    const run = this.opening;
    const pastCount = model.pasts.length;
    let start = logStartOffset;
    const work = log.retainedFrom({ retentionMs: -1, retentionBytes }, 1_000).then(
      (offset) => {
        start = offset;
      },
      () => undefined,
    );
    if (!(await this.soon(work, "retention")) || run !== this.opening) return;
    if (model.pasts.length !== pastCount) return;
    if (start <= logStartOffset || slot.live !== model || log.logStartOffset !== logStartOffset)
      return;
    const left = model.batches
      .filter(({ baseOffset }) => baseOffset >= start)
      .reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (left < retentionBytes) this.fail(`retention leaves ${left} of ${retentionBytes} bytes`);
    await this.moveStart(slot, start);
  }

  async truncate(slot: Slot): Promise<void> {
    const log = this.store.partition(slot.topicId, slot.index);
    if (log === undefined || this.isHindered) return;
    for (const each of this.background.splice(0)) await this.soon(each, "work in the background");
    await turns(30);
    if (log.logEndOffset !== log.nextOffset || this.isHindered) return;
    if (this.store.partition(slot.topicId, slot.index) !== log) return;
    const offset = log.highWatermark + this.int(log.nextOffset - log.highWatermark + 1);
    if (offset >= log.nextOffset) return;
    // Never into the batch that the log start is in: a follower whose log begins there drops it whole.
    const cut = slot.live!.batches.find(({ lastOffset }) => lastOffset >= offset);
    if (cut === undefined || cut.baseOffset < log.logStartOffset) return;
    const model = slot.live!;
    this.trace(`${this.op + 1} truncate ${slot.topicId}/${slot.index} to ${offset}`);
    const past = model.batches.slice();
    let isDone = true;
    const work = log.truncateTo(offset).then((done) => (isDone = done));
    for (let turn = 0; turn < 50 && log.nextOffset > offset; turn += 1) await turnOver();
    if (log.nextOffset > offset) {
      // It may not be able to look where the batch begins that the offset lies in.
      if ((await this.soon(work, "a truncation")) && isDone)
        this.fail(`truncated to ${offset}, ends at ${log.nextOffset}`);
      return;
    }
    this.op += 1;
    model.pasts.push({ op: this.op, batches: past });
    model.isCut = true;
    model.batches = past.filter(({ lastOffset }) => lastOffset < log.nextOffset);
    model.sequences = new Map();
    for (const { producer, timestamps } of model.batches) {
      if (producer !== null)
        model.sequences.set(producer.id, producer.sequence + timestamps.length);
    }
    for (const { range } of this.held.splice(0)) range.release();
    await this.soon(work, "a truncation");
    await turns(30);
  }

  drop(slot: Slot): void {
    if (slot.live === null) return;
    this.op += 1;
    this.trace(`${this.op} drop ${slot.topicId}/${slot.index}`);
    slot.live.droppedOp = this.op;
    slot.dead.push(slot.live);
    slot.live = null;
    this.store.drop(slot.topicId, slot.index);
  }

  async passTime(): Promise<void> {
    const mark = this.writtenMark;
    await this.clock.advance(1_100);
    if (this.isHindered) return;
    await turns(40);
    if (!this.isHindered) this.durableMark = Math.max(this.durableMark, mark);
  }

  /** Flips a bit of what is stored: what is served afterwards is right, or refused. Only the last commit before a crash may be taken for a torn end. */
  async damage(): Promise<void> {
    let mark = Infinity;
    if (this.chance(0.5)) await this.store.close();
    else {
      for (let round = 0; round < 3; round += 1) {
        mark = this.writtenMark;
        await this.append(this.pick(this.slots));
        await turns(50);
      }
      if (this.failure !== null) throw this.failure;
    }
    this.letGo();
    this.disk = this.disk.crash();
    const names = (await this.disk.list(directory)).filter((name) => name.startsWith("wal-"));
    if (names.length === 0) return;
    const path = `${directory}/${this.pick(names)}`;
    const file = await this.disk.open(path);
    const position = this.int(await file.size());
    this.trace(`flips a bit of ${path} at ${position}`);
    this.disk.faults.flipBit(path, position, this.int(8));
    const opening = openLogStore({
      disk: this.disk,
      clock: createManualClock(),
      directory,
      config: this.config,
      producerLimits: { expirationMs: 1e9, maxProducers: 100, budget: { used: 0, limit: 1e4 } },
      log: silentLog,
      onFatal: (error) => this.fail(`fatal: ${error.message}`),
    });
    const store = await opening.catch((error: unknown) => {
      if (error instanceof RecoveryError) return null;
      throw error;
    });
    if (store === null) return;
    for (const slot of this.slots) {
      const log = store.partition(slot.topicId, slot.index);
      if (slot.live === null || (log !== undefined && log.failure !== null)) continue;
      if (log === undefined) {
        if (slot.live.createdOp <= mark) this.fail("after a flipped bit a log is gone");
        continue;
      }
      try {
        const reason = reconcile(slot.live, await this.foundOf(log, true), mark);
        if (reason !== null) this.fail(`after a flipped bit: ${reason}`);
      } catch (error) {
        if (!(error instanceof LogReadError)) throw error;
        if (log.failure === null) this.fail(`damaged and does not say so: ${error.message}`);
      }
    }
    await store.close();
  }
}
