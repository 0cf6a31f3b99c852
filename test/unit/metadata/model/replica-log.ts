import type { Recovery } from "../../../../metadata/records/partition.ts";

/** A replica's log as far as the metadata's promises are concerned: which record is at which offset, in which leader epoch. */
export type ReplicaLog = {
  records: { readonly offset: number; readonly epoch: number; readonly id: number }[];
  end: number;
  /** Where leader epochs begin: KIP-101's cache, written before an epoch's first record. */
  epochs: { readonly epoch: number; readonly start: number }[];
  /** What a host crash cannot take. */
  flushedEnd: number;
  highWatermark: number;
  /** The high watermark as a restart finds it. */
  checkpoint: number;
};

export function emptyLog(): ReplicaLog {
  return { records: [], end: 0, epochs: [], flushedEnd: 0, highWatermark: 0, checkpoint: 0 };
}

export function lastEpoch(log: ReplicaLog): number {
  return log.epochs.at(-1)?.epoch ?? -1;
}

export function append(log: ReplicaLog, epoch: number, id: number): void {
  log.records.push({ offset: log.end, epoch, id });
  log.end += 1;
}

export function truncate(log: ReplicaLog, end: number): void {
  if (end > log.end) return;
  log.records = log.records.filter(({ offset }) => offset < end);
  log.epochs = log.epochs.filter(({ start }) => start < end);
  log.end = end;
  log.flushedEnd = Math.min(log.flushedEnd, end);
}

/** Epochs and what was cut before them are on stable storage before anything of the epoch counts (L1, F2): else a crash would bring back the old tail. */
export function beginEpoch(log: ReplicaLog, begun: ReplicaLog["epochs"][number]): void {
  log.epochs.push(begun);
  log.flushedEnd = log.end;
}

/** A host crash keeps what was flushed, epochs included, and by luck some of the rest. */
export function loseTail(log: ReplicaLog, luck: number): void {
  const unflushed = log.records.filter(({ offset }) => offset >= log.flushedEnd);
  const lostCount = Math.ceil(unflushed.length * (1 - luck));
  log.records = log.records.slice(0, log.records.length - lostCount);
  log.end = Math.max(log.flushedEnd, (log.records.at(-1)?.offset ?? -1) + 1);
  log.flushedEnd = log.end;
}

/** OffsetForLeaderEpoch: the largest epoch up to the one asked for, and where it ends; never above the end of a recovery that came after it. */
export function epochEnd(
  log: ReplicaLog,
  asked: number,
  recoveries: readonly Recovery[],
): { epoch: number; end: number } {
  const position = log.epochs.findLastIndex(({ epoch }) => epoch <= asked);
  const epoch = log.epochs[position]?.epoch ?? -1;
  let end = log.epochs[position + 1]?.start ?? log.end;
  if (position === -1) end = log.epochs[0]?.start ?? 0;
  for (const recovery of recoveries) if (epoch < recovery.epoch) end = Math.min(end, recovery.end);
  return { epoch, end };
}

/** F2 and F3: cuts `follower` back to where it agrees with `leader`, then copies up to `count` records. */
export function follow(
  follower: ReplicaLog,
  leader: ReplicaLog,
  { recoveries, count }: { recoveries: readonly Recovery[]; count: number },
): void {
  for (let round = 0; round < 100; round++) {
    const asked = lastEpoch(follower);
    const { epoch, end } = epochEnd(leader, asked, recoveries);
    if (epoch === asked && end >= follower.end) break;
    const own = epochEnd(follower, epoch, []).end;
    const cut = Math.min(follower.end, end, own);
    const isRecovered = recoveries.some((recovery) => asked < recovery.epoch);
    if (cut < follower.highWatermark && !isRecovered) {
      throw new Error(`a follower is cut to ${cut}, below its high watermark (I9)`);
    }
    follower.highWatermark = Math.min(follower.highWatermark, cut);
    truncate(follower, cut);
    if (follower.end === 0) break;
  }
  const missing = leader.records.filter(({ offset }) => offset >= follower.end).slice(0, count);
  for (const record of missing) {
    learnEpochs(follower, leader, record.epoch);
    follower.records.push(record);
    follower.end = record.offset + 1;
  }
  // An epoch without records counts as followed once everything before it is there.
  if (follower.end === leader.end) learnEpochs(follower, leader, Infinity);
}

function learnEpochs(follower: ReplicaLog, leader: ReplicaLog, upTo: number): void {
  for (const each of leader.epochs) {
    if (each.epoch > lastEpoch(follower) && each.epoch <= upTo) beginEpoch(follower, each);
  }
}
