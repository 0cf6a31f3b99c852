import { sequenceAfter } from "../../protocol/records/batch.ts";
import type { OpenTransactions } from "./open-transactions.ts";
import type { AppendedBatch, ProducerEntry, ProducerState } from "./producer-state.ts";

// What producers were before a log's end was cut, from what is known of them now: a broker that loses a thousand leaderships under load cuts a thousand
// tails, and reading a thousand logs again for it takes minutes.

/**
 * Takes out of the state what came from `end` and behind, where what is left tells what was there before. False, with nothing changed, where it does not, and
 * the log has to be read: all that is remembered of a producer lies behind the cut, or a transaction of it has ended, perhaps there. A producer forgotten in
 * favour of one behind the cut stays forgotten. Fewer batches are remembered than were then; their producer, which had sent others since, repeats none of
 * those that are missing.
 */
export function rollBackProducers(state: ProducerState, end: number): boolean {
  const cut: ProducerEntry[] = [];
  for (const entry of state.producers.values()) {
    if (entry.coordinatorEpoch >= 0) return false;
    const { batches } = entry;
    if (batches.length > 0 && batches.at(-1)!.lastOffset < end) continue;
    if (batches.length === 0 || batches[0]!.lastOffset >= end) return false;
    cut.push(entry);
  }
  for (const { lastOffset } of state.transactions.byFirstOffset.values())
    if (lastOffset >= end) return false;
  for (const entry of cut) cutEntry(entry, end);
  cutTransactions(state.transactions, end);
  return true;
}

function cutEntry(entry: ProducerEntry, end: number): void {
  entry.batches = entry.batches.filter(({ lastOffset }) => lastOffset < end);
  const { batches } = entry;
  entry.provenFirstSequence = provenFrom(batches, entry.provenFirstSequence);
  entry.lastTimestamp = batches.at(-1)!.timestamp;
  if (entry.currentTxnFirstOffset >= end) entry.currentTxnFirstOffset = -1;
}

/** What was proven with the batches that are gone, as far as the others bear it out: nothing across a wrap, or from before a hole. */
function provenFrom(batches: readonly AppendedBatch[], proven: number): number {
  let from = proven;
  for (const [at, { firstSequence, lastSequence }] of batches.entries()) {
    const before = batches[at - 1];
    if (lastSequence < Math.max(firstSequence, before?.lastSequence ?? 0)) return -1;
    if (before === undefined) from = Math.min(proven, firstSequence);
    else if (firstSequence !== sequenceAfter(before.lastSequence, 1)) from = firstSequence;
  }
  return from;
}

function cutTransactions(open: OpenTransactions, end: number): void {
  open.newestFirstOffset = -1;
  for (const firstOffset of open.byFirstOffset.keys())
    if (firstOffset >= end) open.byFirstOffset.delete(firstOffset);
    else open.newestFirstOffset = firstOffset;
}
