import type { ErrorName } from "../../protocol/errors.ts";
import { readTier, type TierSource } from "./read-tier.ts";
import type { LogRange } from "../log/log-range.ts";
import type { Replica } from "../replication/follower-fetch.ts";
import { divergence, followerError } from "../replication/follower-fetch.ts";
import { checkLeader, checkReplica } from "../replication/leader-check.ts";
import type { Partition } from "../replication/partition.ts";
import type { LocalTopic } from "../replication/topic-table.ts";

/** One partition a fetch asks for. */
export type PartitionFetch = {
  readonly topic: LocalTopic | undefined;
  readonly index: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  readonly currentLeaderEpoch: number;
  readonly lastFetchedEpoch: number;
  /** It was asked for by id (KIP-516): then that is what is unknown. */
  readonly isUnknownById: boolean;
  /** The follower that asks; null for a consumer. */
  readonly replica: Replica | null;
  /** What the follower's session has told it; null for consumers and without a session. News of them are worth an answer of their own. */
  readonly told: Told | null;
  /**
   * Called where there is nothing new for it, or nothing but the high watermark: it need not be read again until its partition has changed, or that has to be
   * told. False if it has to be, or now.
   */
  readonly rest: ((partition: Partition, untold: Untold) => boolean) | null;
  /** A follower may answer (KIP-392). */
  readonly mayFollow: boolean;
  /** The replica it should be asked of instead; null for this one. */
  readonly preferredReplica: number | null;
};

export type Told = {
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly tieredEnd: number;
  readonly packedEnd: number;
};

/** What a follower that is at the log's end has yet to hear. */
export type Untold = "nothing" | "highWatermark";

/** What it gets: an error, a divergence (KIP-595: the log it fetched from went another way), or bytes, perhaps none. */
export type PartitionRead = {
  readonly error: ErrorName;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly tieredEnd: number;
  readonly packedEnd: number;
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | null;
  readonly records: LogRange | null;
  readonly preferredReplica?: number;
};

export type FetchLimits = {
  readonly maxBytes: number;
  readonly isReadCommitted: boolean;
  /** Whether consumers are answered at the moment of reading: a broker that may have been replaced answers followers only (replication.md 4). */
  readonly serving: { readonly reads: boolean };
  /** Where consumers' reads go on below the local start. */
  readonly tier: TierSource;
};

export type FetchRead = {
  readonly reads: PartitionRead[];
  readonly totalBytes: number;
  /** An error or a divergence: an answer that must not wait for bytes. */
  readonly isUrgent: boolean;
};

const noRecords = { diverging: null, records: null };
const nothing = {
  highWatermark: -1,
  lastStableOffset: -1,
  logStartOffset: -1,
  tieredEnd: -1,
  packedEnd: -1,
  ...noRecords,
};

type Gathering = { readonly reads: PartitionRead[]; totalBytes: number; isUrgent: boolean };

/**
 * Reads the partitions in order until `maxBytes` are gathered. The first batch of the first partition that has one is given whole, however large
 * (KIP-74), or a consumer could never get past it. Answers at once where everything asked for is in memory: then nothing can have happened in between.
 */
export function readPartitions(
  fetches: readonly PartitionFetch[],
  limits: FetchLimits,
): FetchRead | Promise<FetchRead> {
  const gathered: Gathering = { reads: [], totalBytes: 0, isUrgent: false };
  try {
    for (const fetch of fetches) {
      const started = readPartition(fetch, budgetOf(gathered, limits));
      if (started instanceof Promise) return readOn(gathered, started, { fetches, limits });
      noteAtOnce(gathered, fetch, started);
    }
  } catch (error) {
    releaseReads(gathered);
    throw error;
  }
  return gathered;
}

/** From the first partition on that is not in memory. */
async function readOn(
  gathered: Gathering,
  first: Promise<PartitionRead>,
  { fetches, limits }: { fetches: readonly PartitionFetch[]; limits: FetchLimits },
): Promise<FetchRead> {
  try {
    let started: PartitionRead | Promise<PartitionRead> = first;
    for (let index = gathered.reads.length; ;) {
      const fetch = fetches[index]!;
      if (started instanceof Promise) note(gathered, fetch, await started);
      else noteAtOnce(gathered, fetch, started);
      index += 1;
      if (index === fetches.length) return gathered;
      started = readPartition(fetches[index]!, budgetOf(gathered, limits));
    }
  } catch (error) {
    releaseReads(gathered);
    throw error;
  }
}

const budgetOf = ({ totalBytes }: Gathering, limits: FetchLimits): Budget => ({
  maxBytes: Math.max(0, limits.maxBytes - totalBytes),
  isFirst: totalBytes === 0,
  isReadCommitted: limits.isReadCommitted,
  mayRead: limits.serving.reads,
  tier: limits.tier,
});

function note(gathered: Gathering, fetch: PartitionFetch, read: PartitionRead): void {
  collect(gathered, read);
  if (isUrgent(fetch, read) || isNews(read, fetch)) gathered.isUrgent = true;
}

function collect(gathered: Gathering, read: PartitionRead): void {
  gathered.reads.push(read);
  gathered.totalBytes += read.records?.byteLength ?? 0;
}

const isUrgent = ({ preferredReplica }: PartitionFetch, read: PartitionRead): boolean =>
  read.error !== "NONE" || read.diverging !== null || preferredReplica !== null;

const isNews = (read: PartitionRead, { told }: PartitionFetch): boolean =>
  told !== null && (read.highWatermark > told.highWatermark || isOtherNews(read, told));

const isOtherNews = (read: PartitionRead, told: Told): boolean =>
  read.logStartOffset !== told.logStartOffset ||
  read.tieredEnd !== told.tieredEnd ||
  read.packedEnd !== told.packedEnd;

/** Nothing has happened since it was read. */
function noteAtOnce(gathered: Gathering, fetch: PartitionFetch, read: PartitionRead): void {
  const { rest, told, topic, index } = fetch;
  const partition = topic?.partitions[index];
  // Without records for want of room in the answer it is not at its end.
  const isAtEnd = read.records === null && partition?.log.logEndOffset === fetch.fetchOffset;
  if (rest === null || told === null || !isAtEnd || isUrgent(fetch, read))
    return note(gathered, fetch, read);
  collect(gathered, read);
  // Nothing told yet, or not since an error: then that all is well is news.
  if (
    isOtherNews(read, told) ||
    read.highWatermark < told.highWatermark ||
    told.highWatermark < 0
  ) {
    if (isNews(read, fetch)) gathered.isUrgent = true;
    return;
  }
  // The next records bring the high watermark along: an answer for each would be twice as many (fetch-sessions/untold-watermarks.ts). What stays dirty is watched by
  // nobody: answered, it is asked for again.
  const untold = read.highWatermark > told.highWatermark ? "highWatermark" : "nothing";
  if (!rest(partition, untold)) gathered.isUrgent = true;
}

/** Lets go of bytes that will not be sent after all. */
export function releaseReads({ reads }: Pick<FetchRead, "reads">): void {
  for (const { records } of reads) records?.release();
}

type Budget = {
  maxBytes: number;
  isFirst: boolean;
  isReadCommitted: boolean;
  mayRead: boolean;
  tier: TierSource;
};

function readPartition(
  fetch: PartitionFetch,
  budget: Budget,
): PartitionRead | Promise<PartitionRead> {
  if (fetch.topic === undefined && fetch.isUnknownById)
    return { error: "UNKNOWN_TOPIC_ID", ...nothing };
  const check = fetch.mayFollow ? checkReplica : checkLeader;
  const checked = check(fetch.topic, fetch.index, fetch.currentLeaderEpoch);
  if (checked.kind === "refused") return { error: checked.error, ...nothing };
  const { partition } = checked;
  const { log } = partition;
  const { replica } = fetch;
  if (replica === null && !budget.mayRead) return { error: "NOT_LEADER_OR_FOLLOWER", ...nothing };
  const followerRefusal = replica === null ? "NONE" : followerError(partition, replica);
  if (followerRefusal !== "NONE") return { error: followerRefusal, ...nothing };
  const diverging = divergence(partition, fetch);
  if (diverging !== null)
    return { error: "NONE", ...watermarks(partition), diverging, records: null };
  const { fetchOffset } = fetch;
  if (fetch.preferredReplica !== null)
    return { ...empty(partition), preferredReplica: fetch.preferredReplica };
  // With the log start: a follower below it begins anew there.
  if (fetchOffset < log.logStartOffset || fetchOffset > log.logEndOffset)
    return replica === null
      ? { error: "OFFSET_OUT_OF_RANGE", ...nothing }
      : { error: "OFFSET_OUT_OF_RANGE", ...watermarks(partition), ...noRecords };
  const upToOffset = replica === null ? visibleEnd(partition, budget) : log.logEndOffset;
  const maxBytes = Math.min(Math.max(0, fetch.maxBytes), budget.maxBytes);
  if (fetchOffset >= upToOffset || (maxBytes === 0 && !budget.isFirst)) return empty(partition);
  const request = {
    fromOffset: fetchOffset,
    upToOffset,
    maxBytes,
    atLeastOneBatch: budget.isFirst,
  };
  const read = log.read(request);
  const isTiered = !(read instanceof Promise) && read.kind === "tiered";
  // Followers read there themselves, all of it at once (KIP-405).
  if (isTiered && replica !== null)
    return { error: "OFFSET_MOVED_TO_TIERED_STORAGE", ...watermarks(partition), ...noRecords };
  const reading = isTiered ? readTier(budget.tier, partition, request) : read;
  return reading instanceof Promise
    ? reading.then((done) => shape(partition, done))
    : shape(partition, reading);
}

const visibleEnd = ({ log }: Partition, { isReadCommitted }: Budget): number =>
  isReadCommitted ? log.lastStableOffset : log.highWatermark;

type LogRead = Awaited<ReturnType<Partition["log"]["read"]>>;

function shape(partition: Partition, read: LogRead): PartitionRead {
  switch (read.kind) {
    case "data":
      return { error: "NONE", ...watermarks(partition), diverging: null, records: read.records };
    case "empty":
      return empty(partition);
    case "outOfRange":
      return { error: "OFFSET_OUT_OF_RANGE", ...nothing };
    // Let go of here while it was looked for: asked for again, it is read there.
    case "tiered":
    case "unavailable":
      return { error: "KAFKA_STORAGE_ERROR", ...nothing };
  }
}

function empty(partition: Partition): PartitionRead {
  return { error: "NONE", ...watermarks(partition), diverging: null, records: null };
}

function watermarks({ log, tieredEnd, packedEnd }: Partition) {
  return {
    tieredEnd,
    packedEnd,
    highWatermark: log.highWatermark,
    lastStableOffset: log.lastStableOffset,
    logStartOffset: log.logStartOffset,
  };
}
