import type { TierLookup } from "../../metadata/commands/recovery.ts";
import { partitionOf } from "../../metadata/image/image.ts";
import type { Image } from "../../metadata/image/image.ts";
import { noLeader } from "../../metadata/records/partition.ts";
import type { CellEvent } from "./cell-events.ts";
import { isInOffice } from "./cell-state.ts";
import type { CellState, Office, Step } from "./cell-state.ts";

/** A partition, as the object store is asked about it. */
export type TieredPartition = { readonly topicId: string; readonly index: number };

/** The object store, as the controller asks it before a partition is given a leader that may lack records (replication.md C2b, C3). */
export type TierEnds = {
  /**
   * How far manifest and packs of each reach together, by `partitionKey`; nothing for one of which the store has nothing. Claims the manifests first, so that
   * no leader of an earlier term brings more than is told here. Rejects when the store does not answer: it is asked again.
   */
  ends(partitions: readonly TieredPartition[]): Promise<ReadonlyMap<string, TieredTo | Untold>>;
};

/** `lastEpoch`: the highest leader epoch of anything the store has of the partition; -1 if it has nothing. */
export type TieredTo = { readonly end: number; readonly lastEpoch: number };

/** It cannot be told now. What is damaged waits for an operator, and else it was a call without an answer. */
export type Untold = "damaged" | "unanswered";

export function partitionKey({ topicId, index }: TieredPartition): string {
  return `${topicId}-${index}`;
}

/** Of one question; the rest comes with the next. Few: what is told is acted upon once all of them are. */
const maxPartitionsAtOnce = 256;

/** Asks about partitions without a leader that have not been asked about since they lost it, and whoever might have it. One question is under way at a time. */
export function askTier(state: CellState, { image, nowMs, effects }: Step): void {
  const { office, hasTier } = state;
  if (!hasTier || office === null || office.isAskingTier || nowMs < office.askTierMs) return;
  if (image.leaderlessCount === 0 || !isInOffice(state, image)) return;
  office.askTierMs = nowMs + state.config.retryMs;
  const partitions = nextAsked(office, image, nowMs);
  if (partitions.length === 0) return;
  office.isAskingTier = true;
  effects.push({ type: "readTier", officeEpoch: office.epoch, partitions });
}

/** Those of which it could not be told are asked about again when the others have been. */
function nextAsked({ tiered, untold }: Office, image: Image, nowMs: number): AskedPartition[] {
  const partitions: AskedPartition[] = [];
  for (const { topicId, partitions: all } of image.topics.values()) {
    for (const { index, leader, partitionEpoch, replicas, sealed } of all) {
      if (leader !== noLeader || replicas.length === 0 || sealed !== null) continue;
      const key = partitionKey({ topicId, index });
      const isAsked = [tiered, untold].some((of) => of.get(key)?.partitionEpoch === partitionEpoch);
      if (isAsked) continue;
      partitions.push({ topicId, index, partitionEpoch });
      if (partitions.length === maxPartitionsAtOnce) return partitions;
    }
  }
  forgetLed(untold, image);
  const due = Array.from(untold.values()).filter(({ againMs }) => againMs <= nowMs);
  return [...partitions, ...due].slice(0, maxPartitionsAtOnce);
}

/** As it is when it is asked about. */
export type AskedPartition = TieredPartition & { readonly partitionEpoch: number };

/** `waitMs`: how long it waits this time, until `againMs`. */
export type UntoldPartition = AskedPartition & {
  readonly againMs: number;
  readonly waitMs: number;
};

/** Of what is damaged: each question is a few requests that are paid for. */
const longestWaitMs = 30_000;

export function tierRead(
  { office, config }: CellState,
  { officeEpoch, partitions, ends }: Extract<CellEvent, { type: "tierRead" }>,
  { image, nowMs }: Step,
): void {
  if (office?.epoch !== officeEpoch) return;
  office.isAskingTier = false;
  if (ends === null) return;
  // More may wait.
  office.askTierMs = nowMs;
  const { tiered, untold } = office;
  for (const { topicId, index, partitionEpoch } of partitions) {
    const key = partitionKey({ topicId, index });
    const told = ends.get(key);
    const before = untold.get(key);
    // Behind those that have waited longer.
    untold.delete(key);
    if (told === "damaged" || told === "unanswered") {
      const isAsItWas = told === "damaged" && before?.partitionEpoch === partitionEpoch;
      const waitMs = isAsItWas ? Math.min(before.waitMs * 2, longestWaitMs) : config.retryMs;
      const againMs = nowMs + waitMs;
      untold.set(key, { topicId, index, partitionEpoch, againMs, waitMs });
      continue;
    }
    const { end, lastEpoch } = told ?? nothing;
    tiered.set(key, { topicId, index, end, lastEpoch, partitionEpoch });
  }
  forgetLed(tiered, image);
  // What is known of logs is judged again.
  office.areEndsNew = true;
}

/** As the office knows it now; undefined in a cell without a tier. */
export function tieredEndsOf({ office, hasTier }: CellState): TierLookup | undefined {
  if (!hasTier) return undefined;
  const tiered = new Map(office?.tiered);
  return (topicId, index) => tiered.get(partitionKey({ topicId, index })) ?? null;
}

const nothing: TieredTo = { end: 0, lastEpoch: -1 };

/** Never more than there are partitions without a leader, and those asked about a moment ago. */
function forgetLed(known: Map<string, AskedPartition>, image: Image): void {
  for (const [key, { topicId, index, partitionEpoch }] of known) {
    if (partitionOf(image, topicId, index)?.partitionEpoch !== partitionEpoch) known.delete(key);
  }
}
