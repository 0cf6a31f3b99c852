import {
  baseSequenceAt,
  batchHeaderBytes,
  currentMagic,
  magicAt,
  producerEpochAt,
  producerIdAt,
} from "../../protocol/records/batch.ts";
import type { ProducerState, SequencedBatch } from "../log/producer-state.ts";

// A producer that is unknown to a partition may begin with any sequence, for its state may have expired. So when the first of two batches in flight is refused
// (too few replicas in sync, no room) and the second comes a moment later, when there are enough, the second would be taken for its first: and what was refused
// could never be appended again. Kafka has that hole, and its clients try until their time is up. What was refused is therefore remembered for a while, and
// nothing else is taken from that producer before it.

/** By producer id; which batch of it comes first, the oldest note first. */
export type RefusedProducers = Map<number, { epoch: number; sequence: number; untilMs: number }>;

/** Clients send again within a second or two. Whoever has given the batch up by then may go on. */
const rememberedMs = 30_000;
const notesAtMost = 1_000;

/** Notes that a batch was refused that may be sent again. Its bytes are looked at only as far as that needs: nothing has vouched for them. */
export function noteRefused(
  refused: RefusedProducers,
  records: Uint8Array | null,
  at: { readonly producers: ProducerState; readonly nowMs: number },
): void {
  if (records === null || records.length < batchHeaderBytes || magicAt(records, 0) !== currentMagic)
    return;
  const producerId = producerIdAt(records, 0);
  // Of a known one the sequence tells.
  if (producerId < 0 || at.producers.producers.has(producerId)) return;
  const epoch = producerEpochAt(records, 0);
  const known = refused.get(producerId);
  if (known !== undefined && known.epoch >= epoch && known.untilMs > at.nowMs) return;
  refused.delete(producerId);
  refused.set(producerId, {
    epoch,
    sequence: baseSequenceAt(records, 0),
    untilMs: at.nowMs + rememberedMs,
  });
  if (refused.size > notesAtMost) refused.delete(refused.keys().next().value!);
}

/** The sequence that has to come first, or null if the batch may be appended. */
export function refusedBefore(
  refused: RefusedProducers,
  batch: Pick<SequencedBatch, "producerId" | "producerEpoch" | "baseSequence">,
  nowMs: number,
): number | null {
  const known = refused.size === 0 ? undefined : refused.get(batch.producerId);
  if (known === undefined || known.epoch !== batch.producerEpoch || known.untilMs <= nowMs)
    return null;
  return known.sequence === batch.baseSequence ? null : known.sequence;
}
