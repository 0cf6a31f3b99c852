import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createMemoryDisk,
  type CrashOptions,
  type MemoryDisk,
} from "../../../../adapters/memory/disk.ts";
import type { Durability, PartitionLog } from "../../../../broker/log/partition-log.ts";
import {
  appendValues,
  batchOf,
  findLog,
  openTestStore,
  readRecords,
  turns,
  type TestStore,
} from "./store-fixture.ts";

// Random lives of a store against what a list would do. Whatever happens: acknowledged records are there, at their offsets; what comes back is what was
// appended; and what a start found, the next one finds too.

type Step =
  | { kind: "append"; log: number; size: number; durability: Durability }
  | { kind: "wait"; turns: number }
  | { kind: "flushInterval" }
  | { kind: "logStart"; log: number; share: number }
  | { kind: "drop"; log: number }
  | { kind: "reclaim" }
  | { kind: "read"; log: number; share: number }
  | { kind: "restart" }
  | { kind: "crash"; options: CrashOptions };

type Model = {
  /** Values by offset, from 0; what is below `start` need not be there. */
  values: string[];
  start: number;
  /** Acknowledged: behind completed writes, and behind flushes. */
  durability: Durability[];
  generation: number;
};

const logCount = 3;
const share = fc.double({ min: 0, max: 1, noNaN: true });
const log = fc.nat({ max: logCount - 1 });
const append = fc.record({
  kind: fc.constant("append" as const),
  log,
  size: fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 900 }) }, fc.nat({ max: 12_000 })),
  durability: fc.constantFrom<Durability>("fsync", "replicated"),
});
const crash = fc.record({
  kind: fc.constant("crash" as const),
  options: fc
    .tuple(
      fc.constantFrom<CrashOptions>(
        {},
        { tornTail: true },
        { lostUnflushed: true },
        { lostUnflushed: true, tornTail: true },
        { reorderPages: true },
      ),
      fc.nat(),
    )
    .map(([loss, seed]) => ({ ...loss, seed })),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 60, arbitrary: append },
  {
    weight: 15,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), turns: fc.nat({ max: 30 }) }),
  },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: "flushInterval" }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("logStart" as const), log, share }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), log }) },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: "reclaim" }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("read" as const), log, share }) },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: "restart" }) },
  { weight: 4, arbitrary: crash },
);

/** Takes part of what was written and not flushed; a torn tail at least of the last write. */
const isLossy = (options: CrashOptions): boolean =>
  options.lostUnflushed === true || options.reorderPages === true || options.tornTail === true;

class Life {
  disk: MemoryDisk = createMemoryDisk();
  opened!: TestStore;
  readonly models: Model[] = Array.from({ length: logCount }, () => newModel(0));
  #number = 0;

  topicOf(index: number): string {
    return `topic ${index} ${this.models[index]!.generation}`;
  }

  logOf(index: number): PartitionLog {
    const { store } = this.opened;
    const found = store.partition(this.topicOf(index), 0);
    if (found !== undefined) return found;
    const created = store.create(this.topicOf(index), 0);
    created.startLeaderEpoch(1);
    return created;
  }

  async open(): Promise<void> {
    this.opened = await openTestStore(this.disk);
  }

  async append(step: Extract<Step, { kind: "append" }>): Promise<void> {
    const log = this.logOf(step.log);
    const model = this.models[step.log]!;
    this.#number += 1;
    const value = `${this.#number} ${"v".repeat(step.size)}`;
    const { batch } = batchOf({ values: [value] });
    await this.opened.store.room(batch.length);
    const outcome = appendValues(log, [value], { durability: step.durability });
    expect(outcome).toEqual({
      kind: "appended",
      baseOffset: model.values.length,
      lastOffset: model.values.length,
    });
    model.values.push(value);
    model.durability.push(step.durability);
  }

  /** What must be there after the crash, per log. */
  kept(options: CrashOptions): number[] {
    return this.models.map((model, index) => {
      const log = this.opened.store.partition(this.topicOf(index), 0);
      let end = log?.logEndOffset ?? 0;
      // Written only: that may be lost.
      while (isLossy(options) && end > 0 && model.durability[end - 1] !== "fsync") end -= 1;
      return end;
    });
  }

  async reopen(kept: readonly number[]): Promise<void> {
    await this.open();
    for (const [index, model] of this.models.entries()) {
      const log = this.opened.store.partition(this.topicOf(index), 0);
      expect(log?.failure ?? null).toBe(null);
      const end = log?.logEndOffset ?? 0;
      expect(end).toBeGreaterThanOrEqual(kept[index]!);
      expect(end).toBeLessThanOrEqual(model.values.length);
      model.values.length = end;
      // Recovery has flushed it.
      model.durability = model.values.map(() => "fsync");
      if (log === undefined) continue;
      // A move of the log start is written, not flushed: it may be undone, never be half done.
      expect(log.logStartOffset).toBeLessThanOrEqual(model.start);
      model.start = log.logStartOffset;
      findLog(this.opened.store, this.topicOf(index));
      await this.check(index, model.start);
    }
  }

  async check(index: number, from: number): Promise<void> {
    const model = this.models[index]!;
    const log = this.opened.store.partition(this.topicOf(index), 0);
    if (log === undefined) return;
    const upTo = log.logEndOffset;
    const expected = model.values
      .slice(from, upTo)
      .map((value, place) => ({ offset: from + place, value }));
    expect(await readRecords(log, from, upTo)).toEqual(expected);
  }

  async run(step: Step): Promise<void> {
    const { store, clock } = this.opened;
    switch (step.kind) {
      case "append":
        return this.append(step);
      case "wait":
        return turns(step.turns);
      case "flushInterval":
        return clock.advance(1_000);
      case "logStart": {
        const model = this.models[step.log]!;
        const log = this.logOf(step.log);
        const offset = Math.max(model.start, Math.floor(log.highWatermark * step.share));
        model.start = offset;
        expect(await log.moveLogStart(offset)).toBe(true);
        expect(log.logStartOffset).toBe(offset);
        return;
      }
      case "drop":
        store.drop(this.topicOf(step.log), 0);
        this.models[step.log] = newModel(this.models[step.log]!.generation + 1);
        return;
      case "reclaim":
        return store.reclaim();
      case "read": {
        const { start } = this.models[step.log]!;
        const end = this.logOf(step.log).logEndOffset;
        return this.check(step.log, start + Math.floor((end - start) * step.share));
      }
      case "restart":
        await store.close();
        return this.reopen(this.models.map((model) => model.values.length));
      case "crash": {
        const kept = this.kept(step.options);
        this.disk = this.disk.crash(step.options);
        return this.reopen(kept);
      }
    }
  }
}

const newModel = (generation: number): Model => ({
  values: [],
  start: 0,
  durability: [],
  generation,
});

test("a store keeps its promises through random lives", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 250, size: "max" }),
      async (steps) => {
        const life = new Life();
        await life.open();
        for (const each of steps) await life.run(each);
        for (const index of life.models.keys()) await life.check(index, life.models[index]!.start);
        expect(life.opened.fatal).toEqual([]);
        await life.opened.store.close();
      },
    ),
    { numRuns: Number(process.env["LOG_MODEL_RUNS"] ?? 40) },
  );
});
