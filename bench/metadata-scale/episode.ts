import type { Partition } from "../../metadata/image/image.ts";
import type { ScaleBroker } from "./broker.ts";
import { startBroker } from "./broker.ts";
import { during, headOf, isKnownToAll, pass } from "./cell.ts";
import type { ScaleCell } from "./cell.ts";
import type { EntryNote } from "./entry-notes.ts";
import { isIncomplete } from "./incomplete-sets.ts";
import { kill } from "./kill.ts";
import type { Bill } from "./metered-dynamo.ts";
import type { Work } from "./work-meter.ts";

/** Something that happened to the cell, and what came of it. */
export type Episode = {
  readonly title: string;
  readonly entries: readonly EntryNote[];
  /** From its beginning to the entry that made it good, as the log has told its writer. */
  readonly inLogMs: number;
  /** To the moment when every broker that runs had replayed that. */
  readonly knownMs: number;
  readonly bill: Bill;
  readonly work: ReadonlyMap<string, Work>;
  /** What the entries took to decide and to encode where they were written, and to decode and to apply wherever they are read. */
  readonly cpu: Readonly<Record<"decideMs" | "encodeMs" | "decodeMs" | "applyMs", number>>;
  readonly conflictCount: number;
  readonly unansweredCount: number;
  readonly voteCount: number;
};

type Course = {
  readonly title: string;
  begin(): void;
  /** Looked at after every entry. */
  isGood(): boolean;
  readonly limitMs?: number;
};

export async function observe(cell: ScaleCell, course: Course): Promise<Episode> {
  const { clock, notes, dynamo, meter } = cell;
  dynamo.takeBill();
  meter.take();
  const before = { ...countsOf(cell), entries: notes.entries.length };
  const beganMs = clock.monotonicMs();
  course.begin();
  let judgedRevision = -1;
  let isGood = false;
  const judge = (): boolean => {
    if (judgedRevision !== cell.images.headRevision) isGood = course.isGood();
    judgedRevision = cell.images.headRevision;
    return isGood;
  };
  const { limitMs = 120_000 } = course;
  if ((await pass(cell, limitMs, judge)) === null) throw new Error(`${course.title}: never good`);
  await pass(cell, limitMs, () => isKnownToAll(cell));
  // A reader may have it before its writer has been told.
  const good = notes.entries.find(({ revision }) => revision === judgedRevision);
  const after = countsOf(cell);
  const entries = notes.entries.slice(before.entries);
  return {
    title: course.title,
    entries,
    inLogMs: (good?.atMs ?? beganMs) - beganMs,
    knownMs: clock.monotonicMs() - beganMs,
    bill: dynamo.takeBill(),
    work: meter.take(),
    cpu: cpuOf(cell, entries),
    conflictCount: after.conflictCount - before.conflictCount,
    unansweredCount: after.unansweredCount - before.unansweredCount,
    voteCount: after.voteCount - before.voteCount,
  };
}

function cpuOf({ images }: ScaleCell, entries: readonly EntryNote[]): Episode["cpu"] {
  const sum = (msOf: (entry: EntryNote) => number): number =>
    entries.reduce((total, entry) => total + msOf(entry), 0);
  return {
    decideMs: sum(({ decideMs }) => decideMs),
    encodeMs: sum(({ encodeMs }) => encodeMs),
    decodeMs: sum(({ revision }) => images.costs.get(revision)?.decodeMs ?? 0),
    applyMs: sum(({ revision }) => images.costs.get(revision)?.applyMs ?? 0),
  };
}

function countsOf({ notes, voteCount }: ScaleCell) {
  const { conflictCount, unansweredCount } = notes;
  return { conflictCount, unansweredCount, voteCount };
}

/** Until the log has all of them out of service: the last of the entries that give their partitions to others says so. */
export function failover(
  cell: ScaleCell,
  title: string,
  { brokers, isHost }: { brokers: readonly ScaleBroker[]; isHost: boolean },
): Promise<Episode> {
  return observe(cell, {
    title,
    begin: () => brokers.forEach((broker) => kill(cell, broker, { isHost })),
    isGood: () => {
      const head = headOf(cell);
      return brokers.every(({ brokerId }) => head.brokers.get(brokerId)?.state === "fenced");
    },
  });
}

/** Stops in good order (SIGTERM), until it has nothing left. */
export function drained(cell: ScaleCell, title: string, broker: ScaleBroker): Promise<Episode> {
  return observe(cell, {
    title,
    begin: () => broker.running?.step({ type: "stopAsked" }),
    isGood: () => headOf(cell).brokers.get(broker.brokerId)?.state === "fenced",
  });
}

/** They start anew on their disks, all at once, until everybody is in sync as before they went. */
export async function comeback(
  cell: ScaleCell,
  title: string,
  brokers: readonly ScaleBroker[],
): Promise<Episode> {
  let started: Promise<unknown> = Promise.resolve();
  const episode = await observe(cell, {
    title,
    begin: () => {
      started = Promise.all(brokers.map((each) => startBroker(cell, each, "processCrash")));
    },
    isGood: () => brokers.every(({ running }) => running !== null) && areAllInSync(cell),
    limitMs: 10 * 60_000,
  });
  await during(cell, started);
  return episode;
}

/** Until everybody leads what it is to lead. */
export function leadersBack(cell: ScaleCell, title: string): Promise<Episode> {
  return observe(cell, {
    title,
    begin: () => undefined,
    isGood: () => everyPartition(cell, ({ leader, replicas }) => leader === replicas[0]),
    limitMs: 60 * 60_000,
  });
}

function areAllInSync(cell: ScaleCell): boolean {
  const head = headOf(cell);
  return everyPartition(cell, (partition) => !isIncomplete(head, partition));
}

function everyPartition(cell: ScaleCell, isSo: (partition: Partition) => boolean): boolean {
  for (const { partitions } of headOf(cell).topics.values()) {
    if (!partitions.every(isSo)) return false;
  }
  return true;
}

/** All hosts lose power at once and start again: nobody trusts a disk, every partition waits for the ends of its logs. */
export async function powerCut(cell: ScaleCell, title: string): Promise<Episode> {
  const { brokers } = cell;
  let started: Promise<unknown> = Promise.resolve();
  const episode = await observe(cell, {
    title,
    begin: () => {
      for (const broker of brokers) kill(cell, broker, { isHost: true });
      started = Promise.all(brokers.map((each) => startBroker(cell, each, "hostCrash")));
    },
    isGood: () =>
      brokers.every(({ running }) => running !== null) && headOf(cell).leaderlessCount === 0,
    limitMs: 10 * 60_000,
  });
  await during(cell, started);
  return episode;
}

/** Until nothing is left of the brokers, and nothing moves. */
export function replacement(
  cell: ScaleCell,
  title: string,
  brokers: readonly ScaleBroker[],
): Promise<Episode> {
  const ids = new Set(brokers.map(({ brokerId }) => brokerId));
  return observe(cell, {
    title,
    begin: () => undefined,
    isGood: () =>
      everyPartition(cell, ({ replicas, adding, removing }) => {
        return adding.length + removing.length === 0 && !replicas.some((id) => ids.has(id));
      }),
    limitMs: 2 * 60 * 60_000,
  });
}
