import { createManualClock } from "../../adapters/memory/clock.ts";
import type { ControlledClock } from "../../adapters/memory/clock.ts";
import { createMemoryObjectStore } from "../../adapters/memory/object-store.ts";
import { createSeededRandom } from "../../adapters/memory/random.ts";
import { defaultCellConfig } from "../../broker/cell/cell-config.ts";
import type { CellConfig } from "../../broker/cell/cell-config.ts";
import type { CellEffect } from "../../broker/cell/cell-events.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import { createSimulatedDynamo } from "../../test/support/simulated-dynamo.ts";
import type { ScaleBroker } from "./broker.ts";
import { createEntryNotes } from "./entry-notes.ts";
import type { EntryNotes } from "./entry-notes.ts";
import { createIncompleteSets } from "./incomplete-sets.ts";
import type { IncompleteSets } from "./incomplete-sets.ts";
import { meterDynamo } from "./metered-dynamo.ts";
import type { MeteredDynamo, PartitionLimits } from "./metered-dynamo.ts";
import { createSharedImages } from "./shared-images.ts";
import type { SharedImages } from "./shared-images.ts";
import { createWorkMeter } from "./work-meter.ts";
import type { WorkMeter } from "./work-meter.ts";

/** Brokers that are a machine and a metadata replica each, over one simulated table, in time that moves only here. */
export type ScaleCell = {
  readonly clock: ControlledClock;
  readonly random: Random;
  readonly config: CellConfig;
  readonly images: SharedImages;
  readonly incomplete: IncompleteSets;
  readonly dynamo: MeteredDynamo;
  readonly objects: ObjectStore;
  readonly meter: WorkMeter;
  readonly notes: EntryNotes;
  readonly brokers: ScaleBroker[];
  readonly alarms: string[];
  /** Who waits for an answer, by the mark that the question carries. */
  readonly replies: Map<number, (effect: CellEffect) => void>;
  readonly voteCount: number;
  nextReply(): number;
  nextSeed(): number;
  countVote(): void;
  readonly spend: (cpuMs: number) => Promise<void>;
};

export type ScaleCellOptions = {
  readonly seed?: number;
  readonly config?: Partial<CellConfig>;
  readonly limits?: PartitionLimits;
  /** Metadata level of the cell; the newest by default. */
  readonly level?: number;
  /** What a process computes takes its time in the cell too. Else a run repeats exactly, on any machine. */
  readonly chargesCpu?: boolean;
};

/** A call to the table takes 10 ms on average: each way up to so long. */
const tableLatencyMs = 10;

export function createScaleCell(options: ScaleCellOptions = {}): ScaleCell {
  const { seed = 1, chargesCpu = false } = options;
  const clock = createManualClock();
  const random = createSeededRandom(seed);
  const images = createSharedImages();
  const dynamo = createSimulatedDynamo({ clock, random, latencyMs: tableLatencyMs });
  let replyCount = 0;
  let seedCount = 0;
  let voteCount = 0;
  return {
    clock,
    random,
    config: { ...defaultCellConfig, ...options.config },
    images,
    incomplete: createIncompleteSets(),
    dynamo: meterDynamo(dynamo, clock, options.limits),
    objects: createMemoryObjectStore(),
    meter: createWorkMeter(),
    notes: createEntryNotes(clock),
    brokers: [],
    alarms: [],
    replies: new Map(),
    get voteCount() {
      return voteCount;
    },
    nextReply: () => ++replyCount,
    nextSeed: () => seed * 100_000 + ++seedCount,
    countVote: () => void voteCount++,
    async spend(cpuMs) {
      if (!chargesCpu || cpuMs === 0) return;
      await new Promise<void>((resolve) => void clock.after(cpuMs, resolve));
    },
  };
}

/** As the log has it now. */
export function headOf({ images }: ScaleCell): Image {
  return images.head.image;
}

export function brokerOf({ brokers }: ScaleCell, brokerId: number): ScaleBroker | undefined {
  return brokers.find((broker) => broker.brokerId === brokerId);
}

export function runningBrokers({ brokers }: ScaleCell): ScaleBroker[] {
  return brokers.filter(({ running }) => running !== null);
}

/** Whoever the log names, if it runs and knows it. */
export function controllerOf(cell: ScaleCell): ScaleBroker | undefined {
  const { brokerId, epoch } = headOf(cell).controller;
  const broker = brokerId === null ? undefined : brokerOf(cell, brokerId);
  return broker?.running?.state.office?.epoch === epoch ? broker : undefined;
}

/** Everybody that runs has replayed the log to its head. */
export function isKnownToAll(cell: ScaleCell): boolean {
  const { headRevision } = cell.images;
  return runningBrokers(cell).every(({ running }) => running?.replica.revision === headRevision);
}

/** Lets time pass. `until` ends it early, and how long it took is returned; null if it never came. */
export async function pass(
  cell: ScaleCell,
  durationMs: number,
  until: () => boolean = never,
): Promise<number | null> {
  const { clock } = cell;
  const startedMs = clock.monotonicMs();
  const stepMs = until === never ? 1_000 : 5;
  while (clock.monotonicMs() - startedMs < durationMs) {
    if (until()) return clock.monotonicMs() - startedMs;
    const leftMs = startedMs + durationMs - clock.monotonicMs();
    await clock.advance(Math.min(leftMs, stepMs));
  }
  return until() ? durationMs : null;
}

const never = (): boolean => false;

/** Time passes until the work is done. */
export async function during<Result>(cell: ScaleCell, work: Promise<Result>): Promise<Result> {
  let isDone = false;
  const finished = work.finally(() => {
    isDone = true;
  });
  finished.catch(() => undefined);
  await pass(cell, 10 * 60_000, () => isDone);
  return finished;
}
