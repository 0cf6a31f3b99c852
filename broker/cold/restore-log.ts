import type { PartitionState, Recovery, Seal } from "../../metadata/records/partition.ts";
import { bootstrapAt } from "../../metadata/image/seals.ts";
import { isBehindTier } from "../../metadata/commands/recovery.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LogOutput } from "../log-output.ts";
import type { LogStore } from "../log/log-store.ts";
import { assignEpoch, createEpochCache, latestEpoch } from "../log/epoch-cache.ts";
import { LogReadError, type LogBefore, type PartitionLog } from "../log/partition-log.ts";
import type { PackPieces } from "../tiering/pack-pieces.ts";
import type { RecoveredPart } from "../tiering/pack-recovery.ts";
import { appendPacked } from "./append-packed.ts";
import { createBudget, type Budget } from "./budget.ts";
import type { ColdEnds } from "./cold-ends.ts";
import type { Tier } from "./tier.ts";

// An elected leader whose log ends below what the object store has takes it from there before it leads: after a sleep exactly up to the seal, after a loss as
// far as manifest and packs reach together (replication.md L1, C3, F5).

export type RestoreOptions = {
  readonly tier: Tier;
  readonly coldEnds: Pick<ColdEnds, "endOf">;
  readonly pieces: PackPieces;
  readonly store: LogStore;
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly limits: RestoreLimits;
};

/** Of all logs that are recovered together. Who has its turn asks for room for bytes, and never the other way round, so nobody waits in a circle. */
export type RestoreLimits = { readonly recoveries: Budget; readonly bytes: Budget };

/** Thousands may be elected in one moment; each asks the store for one thing at a time. */
const recoveriesAtOnce = 64;

/** Parts of packs in memory; a pack has 32 MiB, and one partition's range may be all of it. */
const bytesAtOnce = 64 * 1024 * 1024;

export const createRestoreLimits = (): RestoreLimits => ({
  recoveries: createBudget(recoveriesAtOnce),
  bytes: createBudget(bytesAtOnce),
});

/** What is to be done before the log may be led; null if nothing is. */
export function restorationOf(
  log: Pick<PartitionLog, "logEndOffset" | "nextOffset" | "leaderEpoch">,
  state: PartitionState,
):
  | { readonly kind: "seal"; readonly seal: Seal }
  | { readonly kind: "recovery"; readonly recovery: Recovery }
  | null {
  const position = { logEndOffset: log.logEndOffset, lastEpoch: log.leaderEpoch };
  const { sealed: seal } = state;
  if (seal !== null && bootstrapAt(state, position) !== null) return { kind: "seal", seal };
  const recovery = state.recoveries.at(-1);
  const isDone =
    recovery === undefined || log.leaderEpoch >= recovery.epoch || log.nextOffset >= recovery.start;
  return isDone ? null : { kind: "recovery", recovery };
}

/**
 * Brings the log there. False if it cannot be now: the object store does not answer, or the disk does not write. `isWanted`: asked before each change, for the
 * object store may take its time, and the log may follow another leader by then, who counts on what it has.
 */
export async function restoreLog(
  options: RestoreOptions,
  log: PartitionLog,
  state: PartitionState,
  isWanted: () => boolean,
): Promise<boolean> {
  const restoration = restorationOf(log, state);
  if (restoration === null) return true;
  const askedMs = options.clock.monotonicMs();
  try {
    return restoration.kind === "seal"
      ? await beginAtSeal(options, log, { seal: restoration.seal, isWanted })
      : await options.limits.recoveries(1, () =>
          recover(options, log, { state, recovery: restoration.recovery, askedMs, isWanted }),
        );
  } catch (error) {
    if (!(error instanceof LogReadError)) throw error;
    options.log.warn("a partition waits for the object store before it can be led", {
      topicId: log.topicId,
      partition: log.index,
      reason: error.message,
    });
    return false;
  }
}

async function beginAtSeal(
  { tier }: RestoreOptions,
  log: PartitionLog,
  { seal, isWanted }: { readonly seal: Seal; readonly isWanted: () => boolean },
): Promise<boolean> {
  const { end } = seal;
  const beginning = await tier.beginning(log);
  if (beginning !== null && beginning.offset !== end)
    throw new LogReadError(`its seal ends at ${end}, its manifest at ${beginning.offset}`);
  if (!isWanted()) return false;
  // Nothing is left of it: retention took the last record before the cell slept.
  const nothing = { logStartOffset: end, epochs: [], producers: new Uint8Array(0), gaps: [] };
  const before = withTermOf(seal, beginning?.before ?? nothing);
  return beginAt(log, { offset: end, before });
}

/** The object store knows of terms that wrote something: the one that was sealed may have had nothing to write. */
function withTermOf({ end, epoch }: Seal, before: LogBefore): LogBefore {
  const lineage = createEpochCache(before.epochs);
  if (latestEpoch(lineage) < epoch) assignEpoch(lineage, epoch, end);
  return { ...before, epochs: lineage.entries };
}

/** The manifest need not say how far the log start has moved, if nothing has left it: what is known here stays known. */
const beginAt = (
  log: PartitionLog,
  { offset, before }: { readonly offset: number; readonly before: LogBefore },
): Promise<boolean> => {
  const known = Math.min(log.logStartOffset, offset);
  return log.restartAt(offset, {
    ...before,
    logStartOffset: Math.max(before.logStartOffset, known),
  });
};

type Recovering = {
  readonly state: PartitionState;
  readonly recovery: Recovery;
  /** Before it waited for its turn. */
  readonly askedMs: number;
  readonly isWanted: () => boolean;
};

async function recover(
  options: RestoreOptions,
  log: PartitionLog,
  { state, recovery, askedMs, isWanted }: Recovering,
): Promise<boolean> {
  const { tier, coldEnds } = options;
  // It may have been a while until its turn.
  if (!isWanted()) return false;
  const { topicId, index, logEndOffset, leaderEpoch: lastEpoch } = log;
  const earlier = state.recoveries.filter((each) => each !== recovery);
  const place = { topicId, index, recoveries: earlier, askedMs };
  const cold = await coldEnds.endOf(place, state.leaderEpoch);
  const end = Math.min(cold.endOffset, recovery.end);
  const isBehind = isBehindTier({ logEndOffset, lastEpoch }, { end, lastEpoch: cold.lastEpoch });
  const reachedEnd = isBehind ? cold.endOffset : logEndOffset;
  // The recovery counts on more: between its end and where this log would end there would be a hole that no later recovery could pass.
  if (cold.damagedPack !== null && reachedEnd < recovery.end)
    throw new LogReadError(
      `it is to reach ${recovery.end}, and ${cold.damagedPack} is damaged: there is ${reachedEnd}`,
    );
  if (!isBehind) return true;
  const beginning = cold.tier === null ? null : await tier.beginning(log);
  if (!isWanted()) return false;
  const isBegun =
    beginning === null ? await log.restartAt(cold.startOffset) : await beginAt(log, beginning);
  if (!isBegun) return false;
  const parts = partsBelow(cold.parts, recovery.end);
  if (!(await appendPacked(options, log, { cold: { ...cold, parts }, state, isWanted })))
    return false;
  options.log.error(
    "a partition lost all its replicas and goes on from the object store: what was written last may be missing",
    {
      topicId,
      partition: index,
      upTo: log.nextOffset,
    },
  );
  return true;
}

/** A pack that came after the recovery was decided holds more: nothing above its end counts, and must not be taken for committed. */
const partsBelow = (parts: readonly RecoveredPart[], end: number): RecoveredPart[] =>
  parts
    .map((each) => ({ ...each, toOffset: Math.min(each.toOffset, end) }))
    .filter(({ fromOffset, toOffset }) => fromOffset < toOffset);
