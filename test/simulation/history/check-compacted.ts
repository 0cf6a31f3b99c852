import { isTombstone, keyOf } from "../client/record-key.ts";
import type { FinalLog, History, PartitionKey, SeenRecord, SentBatch } from "./history.ts";

// What compaction owes: for each key the last that was written, or nothing where that deletes it (Kafka's rules). What is not the last may be there or not.

type Compacted = {
  readonly history: History;
  readonly partition: PartitionKey;
  readonly final: FinalLog;
  readonly keyCount: number;
  readonly isPromised: (batch: SentBatch) => boolean;
};

/** The last record of each key that is known to have been committed: acknowledged, read by somebody, or there at the end. */
function lastOfKeys({ history, partition, final, keyCount, isPromised }: Compacted) {
  const last = new Map<number, SeenRecord>();
  const note = (record: SeenRecord): void => {
    const { offset } = record;
    if (offset < final.logStartOffset) return;
    if (final.excused.some(({ from, to }) => offset >= from && offset < to)) return;
    const key = keyOf(record, keyCount);
    if (offset > (last.get(key)?.offset ?? -1)) last.set(key, record);
  };
  for (const batch of history.sent) {
    if (batch.partition !== partition || batch.outcome !== "acknowledged") continue;
    if (batch.acks === 0 || batch.baseOffset < 0 || !isPromised(batch)) continue;
    for (let at = 0; at < batch.count; at++) {
      const { producer, first, baseOffset } = batch;
      note({ producer, counter: first + at, offset: baseOffset + at });
    }
  }
  for (const seen of history.seen) if (seen.partition === partition) seen.records.forEach(note);
  final.records.forEach(note);
  return last;
}

/** Keys that a tombstone may have deleted of which nobody knows whether, or where, it was written. */
function perhapsDeleted({ history, partition, keyCount }: Compacted): Set<number> {
  const found = new Set<number>();
  for (const batch of history.sent) {
    const isKnown = batch.outcome === "refused" || batch.baseOffset >= 0;
    if (batch.partition !== partition || isKnown) continue;
    for (let at = 0; at < batch.count; at++) {
      const record = { producer: batch.producer, counter: batch.first + at };
      if (isTombstone(record)) found.add(keyOf(record, keyCount));
    }
  }
  return found;
}

/** What is missing, or back, each in a sentence. */
export function compactionFaults(compacted: Compacted): string[] {
  const { partition, final, keyCount } = compacted;
  const perhaps = perhapsDeleted(compacted);
  const left = final.records.filter(({ offset }) => offset >= final.logStartOffset);
  const faults: string[] = [];
  for (const [key, last] of lastOfKeys(compacted)) {
    const here = left.filter((record) => keyOf(record, keyCount) === key);
    if (here.some(({ offset }) => offset === last.offset)) continue;
    const name = `record ${last.producer}-${last.counter} at ${last.offset} of ${partition}`;
    const [older] = here;
    if (!isTombstone(last)) {
      if (!perhaps.has(key)) faults.push(`${name}, the last of key ${key}`);
    } else if (older !== undefined) {
      faults.push(`${name}, which deletes key ${key}: that is still at ${older.offset}`);
    }
  }
  return faults;
}
