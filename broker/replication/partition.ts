import { assert } from "../assert.ts";
import type { PartitionLog } from "../log/partition-log.ts";
import type { Assignment, LeaderState, TermStart } from "./leader-state.ts";
import { adopt, highWatermarkOf, startTerm } from "./leader-state.ts";
import type { RefusedProducers } from "./refused-producers.ts";

/** A partition this broker holds a replica of: its log, its role as the metadata image has it, and who waits for it. */
export type Partition = {
  readonly topicId: string;
  readonly index: number;
  readonly log: PartitionLog;
  /** The latest it has led in; -1 before the first. */
  leaderEpoch: number;
  isLeader: boolean;
  /** The latest epoch in which a write failed: no more is appended under it, so it cannot be led on. -1 if there is none. */
  failedEpoch: number;
  /** What is known of its followers; null where there are none, and while this broker does not lead. */
  leaderState: LeaderState | null;
  /** In-sync members without which nothing is committed, as the metadata image has it for this partition (metadata/image/min-isr.ts). */
  minIsr: number;
  /** The last append was refused for want of room: nothing has been appended here since. */
  isRefusing: boolean;
  /** Whose first batch was refused a moment ago. */
  readonly refusedProducers: RefusedProducers;
  /** Bytes of batches that clients have produced to it and consumers were given of it, since it is held here: what balancing weighs. */
  bytesIn: number;
  bytesOut: number;
  /** Produce requests that wait for the high watermark, in the order of their offsets. */
  readonly acks: AckQueue;
  /** Those that only wait for the log end: acks=1. */
  readonly writes: AckQueue;
  /** Parked fetches, woken whenever something a fetch can see has changed. */
  readonly watchers: Set<() => void>;
  /** Followers' sessions that do not look here until something they could be told has changed: each is called once. */
  readonly stirs: Set<() => void>;
  /** The log end that they were told of. */
  toldEnd: number;
  /** Everything below is in the object store; -1 while this broker does not know. */
  tieredEnd: number;
  /** Committed records below are in packs, or in segments; -1 while this broker does not know. */
  packedEnd: number;
  /** Some replica's disk needs everything below to be in the object store, so that it can let go of it; -1: none does. */
  pressedEnd: number;
};

/** Called with true once everything below the offset is committed, with false when this broker can no longer promise it. */
export type AckListener = (isCommitted: boolean) => void;

/** Where an append ended, and the epoch it was made in. */
export type AppendedUpTo = { readonly endOffset: number; readonly leaderEpoch: number };

type AckQueue = { endOffset: number; listener: AckListener }[];

export function createPartition(topicId: string, index: number, log: PartitionLog): Partition {
  return {
    topicId,
    index,
    log,
    leaderEpoch: -1,
    isLeader: false,
    failedEpoch: -1,
    leaderState: null,
    minIsr: 1,
    isRefusing: false,
    refusedProducers: new Map(),
    bytesIn: 0,
    bytesOut: 0,
    acks: [],
    writes: [],
    watchers: new Set(),
    stirs: new Set(),
    toldEnd: -1,
    tieredEnd: -1,
    packedEnd: -1,
    pressedEnd: -1,
  };
}

/** L1: the epoch is in the log before the first append under it. The same epoch again: in-sync set and assignment only. */
export function becomeLeader(
  partition: Partition,
  assignment: Assignment,
  at: Omit<TermStart, "startOffset">,
): void {
  const { leaderEpoch } = assignment;
  assert(leaderEpoch >= partition.leaderEpoch, "leader epochs only grow");
  assert(leaderEpoch > partition.failedEpoch, "a term that failed is not taken up again");
  const isSameTerm = partition.isLeader && leaderEpoch === partition.leaderEpoch;
  if (leaderEpoch > partition.leaderEpoch) {
    partition.log.startLeaderEpoch(leaderEpoch);
    // It may lie above what has become of the log. Whoever still needs it says so again, and followers do with their first fetch of a term.
    partition.pressedEnd = -1;
  }
  partition.leaderEpoch = leaderEpoch;
  partition.isLeader = true;
  const isAlone = assignment.replicas.length === 1;
  if (isAlone) partition.leaderState = null;
  else if (isSameTerm && partition.leaderState !== null)
    adopt(partition.leaderState, assignment, at);
  else
    partition.leaderState = startTerm(assignment, {
      ...at,
      startOffset: partition.log.nextOffset,
    });
  advance(partition);
  // Whoever fetches in another epoch, or is a follower no more, is to be told so.
  wake(partition);
}

/** How many replicas are in the in-sync set that the metadata log has. */
export const inSyncCountOf = ({ leaderState }: Partition): number =>
  leaderState === null ? 1 : leaderState.assignment.isr.length;

/** No longer ours to answer for: whoever waits is told so, and asks the new leader. */
export function resign(partition: Partition): void {
  partition.isLeader = false;
  partition.isRefusing = false;
  partition.leaderState = null;
  failAcks(partition);
  wake(partition);
}

/** The last commit failed: the term is over, whatever the image says until it has heard of it (replication.md L2). */
export function fail(partition: Partition): void {
  partition.failedEpoch = Math.max(partition.failedEpoch, partition.leaderEpoch);
  resign(partition);
}

/** Parks until everything below `endOffset` is committed. Offsets come in append order, so the queue is sorted but for retries of what is in the log already, which wait a little longer than they must. */
export function whenCommitted(
  partition: Partition,
  { endOffset, leaderEpoch }: AppendedUpTo,
  listener: AckListener,
): void {
  if (!isLedIn(partition, leaderEpoch)) return listener(false);
  if (partition.log.highWatermark >= endOffset) return listener(true);
  partition.acks.push({ endOffset, listener });
}

/** Parks until everything below `endOffset` is written here (flushed, where the topic asks for it). */
export function whenWritten(
  partition: Partition,
  { endOffset, leaderEpoch }: AppendedUpTo,
  listener: AckListener,
): void {
  if (!isLedIn(partition, leaderEpoch)) return listener(false);
  if (partition.log.logEndOffset >= endOffset) return listener(true);
  partition.writes.push({ endOffset, listener });
}

/** A request may ask long after it appended, having waited for room for its other batches. If its write failed meanwhile, a later epoch hands out the same offsets. */
function isLedIn(partition: Partition, leaderEpoch: number): boolean {
  return partition.isLeader && partition.leaderEpoch === leaderEpoch;
}

/** L4. Called when the log has grown, a follower has fetched, or the in-sync set is another. */
export function advance(partition: Partition): void {
  const { log, leaderState, minIsr } = partition;
  if (!partition.isLeader) return;
  const { logEndOffset: leaderEnd, highWatermark: current } = log;
  const hasFollowers = leaderState !== null && leaderEnd > current;
  release(partition.writes, leaderEnd);
  const highWatermark = hasFollowers
    ? highWatermarkOf(leaderState, { current, leaderEnd, minIsr })
    : leaderEnd;
  if (highWatermark > current) {
    log.advanceHighWatermark(highWatermark);
    release(partition.acks, highWatermark);
  }
  // Followers read up to the log end, consumers up to the high watermark.
  const hasGrown = leaderState !== null && leaderEnd !== partition.toldEnd;
  partition.toldEnd = leaderEnd;
  if (highWatermark > current || hasGrown) wake(partition);
}

/** Answers everyone who waits for no more than `offset`. */
function release(queue: AckQueue, offset: number): void {
  let done = 0;
  while ((queue[done]?.endOffset ?? Infinity) <= offset) done++;
  if (done > 0) for (const ack of queue.splice(0, done)) ack.listener(true);
}

/** Lets go of what lies below `offset`, and lets followers know; false if that cannot be now. */
export async function moveLogStart(partition: Partition, offset: number): Promise<boolean> {
  const hasMoved = await partition.log.moveLogStart(offset);
  wake(partition);
  return hasMoved;
}

/** The object store has everything below `offset`: followers are to know, who may let go of it too. */
export function noteTieredEnd(partition: Partition, offset: number): void {
  if (offset <= partition.tieredEnd) return;
  partition.tieredEnd = offset;
  for (const stir of Array.from(partition.stirs)) stir();
}

/** The same of packs. */
export function notePackedEnd(partition: Partition, offset: number): void {
  if (offset <= partition.packedEnd) return;
  partition.packedEnd = offset;
  for (const stir of Array.from(partition.stirs)) stir();
}

/** A replica's disk is to let go of what lies below `offset`, which is committed: the leader puts it into the object store next. */
export function notePressed(partition: Partition, offset: number): void {
  partition.pressedEnd = Math.max(partition.pressedEnd, offset);
}

/** What is still to be put there for that; -1: nothing. */
export const pressedEndOf = ({ pressedEnd, tieredEnd }: Partition): number =>
  pressedEnd > tieredEnd ? pressedEnd : -1;

/** A new leader's high watermark may lie behind what its predecessors have acknowledged, until its followers have fetched. */
export const knowsCommitted = ({ leaderState, log }: Partition): boolean =>
  log.highWatermark >= (leaderState?.startOffset ?? 0);

/** Wakes parked fetches. A watcher may unregister itself or others while it runs. */
export function wake(partition: Partition): void {
  for (const watcher of Array.from(partition.watchers)) watcher();
  for (const stir of Array.from(partition.stirs)) stir();
}

function failAcks(partition: Partition): void {
  for (const ack of [...partition.writes.splice(0), ...partition.acks.splice(0)])
    ack.listener(false);
}
