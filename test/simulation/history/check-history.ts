import { skipGap } from "../../../broker/log/gaps.ts";
import { compactionFaults } from "./check-compacted.ts";
import type {
  FinalLog,
  History,
  OffsetRange,
  PartitionKey,
  SeenRecord,
  SentBatch,
} from "./history.ts";

/** What clients must never see. */
export type Anomaly = {
  readonly kind:
    | "lost"
    | "duplicated"
    | "reordered"
    | "stale"
    | "phantom"
    | "two records at one offset"
    | "beyond the high watermark"
    | "hole"
    | "committed offset went back"
    | "two owners"
    | "deposed leader answers";
  readonly message: string;
};

export type CheckOptions = {
  /** Whether an acknowledgement of this batch was a promise that held under what happened. All are, by default. */
  readonly isPromised?: (batch: SentBatch) => boolean;
  /**
   * A new leader learns the high watermark from its followers, so what it tells of it may lag at first (Kafka's KIP-207). Then high watermarks grow within
   * a leadership only, and over all of them in what ListOffsets says.
   */
  readonly mayLeaderLag?: boolean;
  /** Whether what this group was told is promised still. All are, by default. */
  readonly isGroupPromised?: (group: string) => boolean;
  /** When the leadership of an epoch was over in the metadata log; undefined where it is not. */
  readonly termEndMs?: (partition: PartitionKey, leaderEpoch: number) => number | undefined;
  /** How long a leader that was replaced may go on answering consumers: a session, and what it takes to notice (the stale-leader rule). */
  readonly staleLimitMs?: number;
};

/** Everything wrong with a history; empty if clients saw one log that keeps its promises. */
export function checkHistory(history: History, options: CheckOptions = {}): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const report = (kind: Anomaly["kind"], message: string): void => {
    anomalies.push({ kind, message });
  };
  const scope: Scope = { history, options, report, ids: identify(history.sent) };
  checkOffsets(scope);
  checkPhantoms(scope);
  checkStaleness(scope);
  checkDeposed(scope);
  for (const [partition, final] of history.final) {
    checkLost(scope, partition, final);
    checkOrder(scope, partition, final);
    checkRising(scope, partition, final);
    // Compaction makes holes.
    if (!history.compacted.has(partition)) checkHoles(scope, partition, final);
    checkGivenUp(scope, partition, final);
  }
  checkGroups(scope);
  checkOwners(scope);
  return anomalies;
}

type Scope = {
  readonly history: History;
  readonly options: CheckOptions;
  readonly report: (kind: Anomaly["kind"], message: string) => void;
  /** The batch that a record was sent in. */
  readonly ids: (record: { producer: number; counter: number }) => SentBatch | undefined;
};

function identify(sent: readonly SentBatch[]): Scope["ids"] {
  const byProducer = new Map<number, SentBatch[]>();
  for (const batch of sent) {
    const list = byProducer.get(batch.producer);
    if (list === undefined) byProducer.set(batch.producer, [batch]);
    else list.push(batch);
  }
  for (const list of byProducer.values()) list.sort((a, b) => a.first - b.first);
  return ({ producer, counter }) => {
    const list = byProducer.get(producer) ?? [];
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle]!.first + list[middle]!.count <= counter) low = middle + 1;
      else high = middle;
    }
    const found = list[low];
    return found !== undefined && found.first <= counter ? found : undefined;
  };
}

const nameOf = ({ producer, counter }: { producer: number; counter: number }): string =>
  `record ${producer}-${counter}`;

/** One offset, one record: in every answer to a producer, every read and the end of it all. */
function checkOffsets({ history, options, report }: Scope): void {
  const { isPromised = () => true } = options;
  const known = new Map<PartitionKey, Map<number, { producer: number; counter: number }>>();
  const note = (partition: PartitionKey, record: SeenRecord, where: string): void => {
    let offsets = known.get(partition);
    if (offsets === undefined) {
      offsets = new Map();
      known.set(partition, offsets);
    }
    const there = offsets.get(record.offset);
    if (there === undefined) offsets.set(record.offset, record);
    else if (there.producer !== record.producer || there.counter !== record.counter) {
      report(
        "two records at one offset",
        `${partition} at ${record.offset}: ${nameOf(there)} and, ${where}, ${nameOf(record)}`,
      );
    }
  };
  for (const batch of history.sent) {
    if (batch.outcome !== "acknowledged" || batch.baseOffset < 0) continue;
    // One replica's word (acks=1): if it never reached the others, the next leader gives the offset to another record.
    if (!isPromised(batch)) continue;
    for (let at = 0; at < batch.count; at++) {
      const { producer, first, baseOffset } = batch;
      const record = { producer, counter: first + at, offset: baseOffset + at };
      note(batch.partition, record, "acknowledged");
    }
  }
  for (const { partition, records, reader } of history.seen) {
    for (const record of records) note(partition, record, `read by ${reader}`);
  }
  for (const [partition, { records }] of history.final) {
    for (const record of records) note(partition, record, "at the end");
  }
}

/** Only what was sent there can be read, and nothing that was refused. */
function checkPhantoms({ history, ids, report }: Scope): void {
  const check = (partition: PartitionKey, record: SeenRecord, where: string): void => {
    const batch = ids(record);
    const at = `${nameOf(record)} at ${record.offset} of ${partition}, ${where},`;
    if (batch === undefined) report("phantom", `${at} was never sent`);
    else if (batch.partition !== partition)
      report("phantom", `${at} was sent to ${batch.partition}`);
    else if (batch.outcome === "refused") report("phantom", `${at} was refused`);
  };
  for (const { partition, records, strangers, reader } of history.seen) {
    for (const record of records) check(partition, record, `read by ${reader}`);
    for (const offset of strangers)
      report("phantom", `${partition} at ${offset}, read by ${reader}: nobody's record`);
  }
  for (const [partition, { records, strangers }] of history.final) {
    for (const record of records) check(partition, record, "at the end");
    for (const offset of strangers) report("phantom", `${partition} at ${offset}: nobody's record`);
  }
}

/** Whoever asks after an answer came sees no less than it said. */
function checkStaleness({ history, options, report }: Scope): void {
  const byPartition = Map.groupBy(history.seen, ({ partition, leaderEpoch, isListed }) => {
    if (options.mayLeaderLag !== true) return partition;
    return isListed ? `${partition} listed` : `${partition} in epoch ${leaderEpoch}`;
  });
  for (const seen of byPartition.values()) {
    const answers = seen.toSorted((a, b) => a.answeredMs - b.answeredMs);
    let next = 0;
    let highest = { highWatermark: -1, reader: "" };
    for (const each of seen.toSorted((a, b) => a.askedMs - b.askedMs)) {
      while (next < answers.length && answers[next]!.answeredMs <= each.askedMs) {
        const answer = answers[next++]!;
        if (answer.highWatermark > highest.highWatermark) highest = answer;
      }
      if (each.highWatermark < highest.highWatermark) {
        report(
          "stale",
          `${each.partition}: ${each.reader} was told ${each.highWatermark} at ${each.answeredMs}, after ${highest.reader} had been told ${highest.highWatermark}`,
        );
      }
      const beyond = each.records.find(({ offset }) => offset >= each.highWatermark);
      if (beyond !== undefined) {
        report(
          "beyond the high watermark",
          `${each.partition}: ${each.reader} was given ${beyond.offset}, above ${each.highWatermark}`,
        );
      }
    }
  }
}

/** Whoever was replaced stops answering before long: what it has gets old, and others write on. */
function checkDeposed({ history, options, report }: Scope): void {
  const { termEndMs = () => undefined, staleLimitMs = Infinity } = options;
  for (const { partition, leaderEpoch, lastAskedMs } of history.served.values()) {
    const endMs = termEndMs(partition, leaderEpoch);
    if (endMs === undefined || lastAskedMs <= endMs + staleLimitMs) continue;
    report(
      "deposed leader answers",
      `${partition}: the leader of epoch ${leaderEpoch} gives what was asked for at ${lastAskedMs}; it was replaced at ${endMs}`,
    );
  }
}

function checkLost(
  { history, options, report }: Scope,
  partition: PartitionKey,
  final: FinalLog,
): void {
  const { isPromised = () => true } = options;
  const isBehindGaps = skipGap(final.gaps.map(asGap), 0) >= final.logStartOffset;
  // One that lost all it had, twice, begins behind the gaps.
  if (!isBehindGaps && !history.trimmed.has(partition)) {
    report("lost", `${partition} begins at ${final.logStartOffset}, and nobody asked for that`);
  }
  const keyCount = history.compacted.get(partition);
  if (keyCount !== undefined) {
    for (const records of final.cold === undefined
      ? [final.records]
      : [final.records, final.cold]) {
      const judged = { history, partition, final: { ...final, records }, keyCount, isPromised };
      for (const fault of compactionFaults(judged)) report("lost", fault);
    }
    return;
  }
  const isThere = new Set(final.records.map(({ offset }) => offset));
  const isGone = (offset: number): boolean => !isThere.has(offset) && mustBeThere(final, offset);
  for (const batch of history.sent) {
    if (batch.partition !== partition || batch.outcome !== "acknowledged") continue;
    if (batch.acks === 0 || batch.baseOffset < 0 || !isPromised(batch)) continue;
    for (let at = 0; at < batch.count; at++) {
      if (!isGone(batch.baseOffset + at)) continue;
      const record = nameOf({ producer: batch.producer, counter: batch.first + at });
      report("lost", `${record}, acknowledged at ${batch.baseOffset + at} of ${partition}`);
      break;
    }
  }
}

const asGap = ({ from, to }: OffsetRange) => ({ end: from, start: to });

function mustBeThere({ logStartOffset, excused }: FinalLog, offset: number): boolean {
  return offset >= logStartOffset && !excused.some(({ from, to }) => offset >= from && offset < to);
}

/**
 * A power loss that took unflushed records took with them what the partition knew of their producers. Of a producer that is unknown any sequence is taken
 * (Kafka's rule too: its state may as well have expired), so of what it had in flight a later batch may come first.
 */
function isBehindLoss({ excused }: FinalLog, offset: number): boolean {
  return excused.some(({ to }) => offset >= to);
}

/** What consumers have read is committed as well: they act on it. */
function checkOrder(
  { history, ids, report }: Scope,
  partition: PartitionKey,
  final: FinalLog,
): void {
  const last = new Map<number, SeenRecord>();
  const places = new Map<string, number>();
  for (const record of final.records) {
    if (ids(record)?.isIdempotent !== true) continue;
    const id = `${record.producer}-${record.counter}`;
    const place = places.get(id);
    if (place !== undefined) {
      report(
        "duplicated",
        `${nameOf(record)} is at ${place} and at ${record.offset} of ${partition}`,
      );
      continue;
    }
    places.set(id, record.offset);
    const before = last.get(record.producer);
    const isForgotten = before !== undefined && isBehindLoss(final, before.offset);
    if (before !== undefined && before.counter > record.counter && !isForgotten) {
      report(
        "reordered",
        `${nameOf(record)} is at ${record.offset} of ${partition}, behind ${nameOf(before)}`,
      );
    }
    last.set(record.producer, record);
  }
  // What was read of a compacted topic is judged by its keys.
  if (history.compacted.has(partition)) return;
  const isThere = new Set(final.records.map(({ offset }) => offset));
  for (const { partition: read, records, reader } of history.seen) {
    if (read !== partition) continue;
    const gone = records.find(({ offset }) => !isThere.has(offset) && mustBeThere(final, offset));
    if (gone !== undefined) {
      report("lost", `${nameOf(gone)}, which ${reader} has read at ${gone.offset} of ${partition}`);
    }
  }
}

function checkRising({ report }: Scope, partition: PartitionKey, { records }: FinalLog): void {
  const at = records.findIndex(
    ({ offset }, place) => offset <= (records[place - 1]?.offset ?? -Infinity),
  );
  if (at < 0) return;
  const { offset } = records[at]!;
  report("reordered", `${partition} has ${offset} behind ${records[at - 1]!.offset}`);
}

function checkHoles({ report }: Scope, partition: PartitionKey, final: FinalLog): void {
  let expected = final.logStartOffset;
  const spans = [
    ...final.records.map(({ offset }) => ({ from: offset, to: offset + 1 })),
    ...final.strangers.map((offset) => ({ from: offset, to: offset + 1 })),
    ...final.skipped,
  ].toSorted((a, b) => a.from - b.from);
  for (const { from, to } of spans) {
    if (from > expected) report("hole", `${partition} has nothing from ${expected} to ${from}`);
    expected = Math.max(expected, to);
  }
  if (expected < final.endOffset) {
    report("hole", `${partition} has nothing from ${expected} to its end, ${final.endOffset}`);
  }
}

/** What a recovery gave up stays given up: some were told so, and others must not find it again. */
function checkGivenUp({ report }: Scope, partition: PartitionKey, final: FinalLog): void {
  for (const record of final.records) {
    const { offset } = record;
    if (!final.gaps.some(({ from, to }) => offset >= from && offset < to)) continue;
    report("phantom", `${nameOf(record)} at ${offset} of ${partition}: a recovery had given it up`);
  }
}

/** In one generation a partition is one member's. */
function checkOwners({ history, options, report }: Scope): void {
  const { isGroupPromised = () => true } = options;
  const owners = new Map<string, string>();
  for (const { group, generation, member, partition } of history.owners) {
    // Generations are counted anew where the group was forgotten.
    if (!isGroupPromised(group)) continue;
    const key = `${partition} in generation ${generation} of ${group}`;
    const other = owners.get(key);
    if (other !== undefined && other !== member) {
      report("two owners", `${key}: ${other} and ${member}`);
    }
    owners.set(key, member);
  }
}

/** A group never goes back behind what it was told was committed. */
function checkGroups({ history, options, report }: Scope): void {
  const { isGroupPromised = () => true } = options;
  const byPlace = Map.groupBy(
    history.groupOffsets,
    ({ group, partition }) => `${group} in ${partition}`,
  );
  for (const [place, offsets] of byPlace) {
    if (!isGroupPromised(offsets[0]!.group)) continue;
    const commits = offsets.filter(({ kind }) => kind === "committed");
    for (const read of offsets) {
      if (read.kind !== "fetched" || !read.isAcknowledged) continue;
      const known = commits
        .filter(({ isAcknowledged, answeredMs }) => isAcknowledged && answeredMs <= read.askedMs)
        .reduce((most, { offset }) => Math.max(most, offset), -1);
      if (read.offset < known) {
        report(
          "committed offset went back",
          `${place}: ${read.offset} at ${read.answeredMs}, though ${known} was committed before`,
        );
      }
    }
  }
}
