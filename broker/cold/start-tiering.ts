import { DiskError } from "../../ports/disk.ts";
import { LogReadError } from "../log/partition-log.ts";
import { startPeriodic } from "../periodic.ts";
import { pressedEndOf, type Partition } from "../replication/partition.ts";
import type { LocalTopic, TopicTable } from "../replication/topic-table.ts";
import type { BrokerServices } from "../services.ts";
import { isTieredHere } from "./is-tiered.ts";
import { releaseLocal, relieve } from "./local-release.ts";
import { failuresAtMost, firstPauseMs, putOff, type PutOff } from "./put-off.ts";
import type { TieringConfig } from "./tiering-config.ts";
import type { TierWriter } from "./tier-writer.ts";
import { cutLimits, isCutDue, type CutLimits } from "./when-to-cut.ts";

// Moves what is committed to the object store, and lets go of it here: each leader its partitions, each replica what the store has.

type Services = Pick<BrokerServices, "topics" | "store" | "clock" | "log"> & {
  readonly tierWriter: TierWriter;
};

/** What is known of a partition between rounds. */
type Watched = PutOff & {
  leaderEpoch: number;
  /** Since when something is committed that is in no segment, and not old; null while nothing is. */
  sinceMs: number | null;
  /** Everything below has been there for too long. */
  oldEnd: number;
  /** How much that was when it was measured, and how large the log was then. */
  untieredBytes: number;
  atSizeBytes: number;
};

/** Put off itself while the store does not answer. */
type Desk = PutOff &
  Services & {
    readonly config: TieringConfig;
    readonly watched: WeakMap<Partition, Watched>;
    /** Puts that failed since the last that did not. */
    failureCount: number;
  };

/** The result stops it, and resolves when nothing of it is under way. */
export function startTiering(services: Services, config: TieringConfig): () => Promise<void> {
  const desk: Desk = {
    ...services,
    config,
    watched: new WeakMap(),
    notBeforeMs: 0,
    pauseMs: firstPauseMs,
    failureCount: 0,
  };
  return startPeriodic({
    clock: services.clock,
    intervalMs: config.checkMs,
    async round() {
      await press(desk);
      await cutAll(desk);
      for (const [partition, topic] of held(desk.topics)) {
        if (partition.log.failure !== null) continue;
        await alone(desk, partition, () => releaseLocal(partition, topic.settings, desk));
      }
    },
    failed: (error) =>
      services.log.error("moving records to the object store failed; it is tried again", {
        error: String(error),
      }),
  });
}

/** What cannot be read of one log is in the way of no other. */
async function alone<Result>(
  { log }: Desk,
  { topicId, index }: Partition,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LogReadError || error instanceof DiskError)) throw error;
    const reason = error.message;
    log.warn("a partition's log cannot be read now", { topicId, partition: index, reason });
    return undefined;
  }
}

function* held(topics: TopicTable): Generator<[Partition, LocalTopic]> {
  for (const topic of Array.from(topics.all()))
    for (const partition of topic.partitions) if (partition !== undefined) yield [partition, topic];
}

/** What the disk's budget does not allow goes, where the store has it; where not, its leader puts it there next. */
async function press({ store, topics, config }: Desk): Promise<void> {
  const overBytes = store.statistics().sizeOnDisk - config.localBudgetBytes;
  if (overBytes <= 0) return;
  await relieve({ store, topics }, overBytes);
}

/** Two at a time: the writer has as many buffers. */
const lanes = 2;

async function cutAll(desk: Desk): Promise<void> {
  const { clock, topics } = desk;
  const due: [Partition, CutLimits][] = [];
  for (const [partition, topic] of held(topics)) {
    if (clock.monotonicMs() < desk.notBeforeMs) return;
    if (!partition.isLeader || partition.log.failure !== null) continue;
    if (clock.monotonicMs() < watchedOf(desk, partition).notBeforeMs) continue;
    const limits = cutLimits(desk.config, topic.settings);
    const isToBeCut =
      isTieredHere(partition, topic) &&
      (await alone(desk, partition, () => isDue(desk, partition, limits)));
    if (isToBeCut) due.push([partition, limits]);
  }
  const lane = async (): Promise<void> => {
    for (let next = due.shift(); next !== undefined; next = due.shift()) {
      if (clock.monotonicMs() < desk.notBeforeMs) return;
      await cutOne(desk, ...next);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  desk.tierWriter.rest();
}

function watchedOf({ watched }: Desk, partition: Partition): Watched {
  const known = watched.get(partition);
  if (known?.leaderEpoch === partition.leaderEpoch) return known;
  const made: Watched = {
    leaderEpoch: partition.leaderEpoch,
    sinceMs: null,
    oldEnd: -1,
    untieredBytes: 0,
    atSizeBytes: -1,
    notBeforeMs: 0,
    pauseMs: firstPauseMs,
  };
  watched.set(partition, made);
  return made;
}

async function isDue(desk: Desk, partition: Partition, limits: CutLimits): Promise<boolean> {
  const { log, tieredEnd } = partition;
  const state = watchedOf(desk, partition);
  const from = Math.max(tieredEnd, log.localStartOffset);
  const nowMs = desk.clock.monotonicMs();
  if (log.highWatermark <= from) {
    state.sinceMs = null;
    return false;
  }
  state.sinceMs ??= nowMs;
  if (nowMs - state.sinceMs >= limits.maxAgeMs) {
    state.oldEnd = log.highWatermark;
    state.sinceMs = nowMs;
  }
  const isPressed = pressedEndOf(partition) > from;
  const isOld = state.oldEnd > from;
  if (isOld || isPressed || !limits.isEager)
    return isCutDue({ bytes: 1, isOld, isPressed }, { ...limits, segmentBytes: Infinity });
  // Measured only where it could be enough: the whole log is, or what has come since.
  const hasGrownEnough =
    log.sizeBytes - state.atSizeBytes + state.untieredBytes >= limits.segmentBytes;
  const isMeasured = state.atSizeBytes >= 0 && log.sizeBytes >= state.atSizeBytes;
  if (log.sizeBytes >= limits.segmentBytes && (!isMeasured || hasGrownEnough)) {
    state.untieredBytes = await log.sizeBetween(from, log.highWatermark);
    state.atSizeBytes = log.sizeBytes;
  }
  const bytes = log.sizeBytes < limits.segmentBytes ? log.sizeBytes : state.untieredBytes;
  return isCutDue({ bytes, isOld, isPressed }, limits);
}

async function cutOne(desk: Desk, partition: Partition, limits: CutLimits): Promise<void> {
  const { clock, log, tierWriter } = desk;
  const state = watchedOf(desk, partition);
  const before = partition.tieredEnd;
  const written = await tierWriter.cut(partition, limits.segmentBytes);
  state.atSizeBytes = -1;
  if (written.kind === "failed") {
    putOff(state, clock);
    desk.failureCount += 1;
    if (desk.failureCount >= failuresAtMost) putOff(desk, clock);
    const { topicId, index } = partition;
    log.warn("a segment could not be put into the object store; it is tried again", {
      topicId,
      partition: index,
      reason: written.reason,
    });
    return;
  }
  Object.assign(desk, { pauseMs: firstPauseMs, failureCount: 0 });
  state.pauseMs = firstPauseMs;
  if (partition.tieredEnd === before) return;
  // What is left has come since, more or less.
  if (state.oldEnd < 0) state.sinceMs = null;
  if (state.oldEnd <= partition.tieredEnd) state.oldEnd = -1;
}
