import type { PartitionState } from "../../metadata/records/partition.ts";
import type { Clock } from "../../ports/clock.ts";
import { baseOffsetAt, batchSizeAt, nextOffsetAt } from "../../protocol/records/batch.ts";
import { skipGap } from "../log/gaps.ts";
import type { LogStore } from "../log/log-store.ts";
import { LogReadError, type PartitionLog } from "../log/partition-log.ts";
import type { PackPieces } from "../tiering/pack-pieces.ts";
import type { RecoveredPart } from "../tiering/pack-recovery.ts";
import type { Budget } from "./budget.ts";
import type { ColdEnd } from "./cold-ends.ts";

// What packs have of a partition, appended to its log as a follower appends its leader's: part by part, without waiting for the disk in between.

export type AppendPackedOptions = {
  readonly pieces: PackPieces;
  readonly store: LogStore;
  readonly clock: Clock;
  /** Bytes of packs in memory, of all logs that are restored together. */
  readonly limits: { readonly bytes: Budget };
};

export type Packed = {
  readonly cold: Pick<ColdEnd, "parts" | "packCount">;
  readonly state: Pick<PartitionState, "leaderEpoch" | "recoveries">;
  /** Asked before each change. */
  readonly isWanted: () => boolean;
};

/** Parts that are on their way from the store while one is appended: each comes from another pack. */
const readAhead = 8;

/** Appended and not written yet, of one log. */
const unwrittenBytes = 4 * 1024 * 1024;

/**
 * Appends all parts, and resolves once they are written. False if it is not wanted any more, or the log cannot take them now. Throws LogReadError where a part
 * cannot be had, or the disk did not take one: the log ends anywhere then, and is to be begun anew.
 */
export async function appendPacked(
  options: AppendPackedOptions,
  log: PartitionLog,
  { cold, state, isWanted }: Packed,
): Promise<boolean> {
  const { parts, packCount } = cold;
  const { pieces, clock, limits } = options;
  let unwritten = 0;
  for (const [number, part] of parts.entries()) {
    for (const { key, range } of parts.slice(number + 1, number + 1 + readAhead))
      pieces.prefetch(key, range, packCount);
    const append = () => appendPart(options, log, { part, packCount, state, isWanted });
    if (!(await limits.bytes(part.range.sizeBytes, append))) return false;
    unwritten += part.range.sizeBytes;
    if (unwritten < unwrittenBytes && number < parts.length - 1) continue;
    unwritten = 0;
    if (!(await written(log, { endOffset: part.toOffset, clock, isWanted }))) return false;
  }
  return true;
}

type Appending = Omit<Packed, "cold"> & {
  readonly part: RecoveredPart;
  readonly packCount: number;
};

async function appendPart(
  { pieces, store, clock }: AppendPackedOptions,
  log: PartitionLog,
  { part, packCount, state, isWanted }: Appending,
): Promise<boolean> {
  const loaded = await pieces.range(part.key, part.range, packCount);
  if (loaded.kind !== "batches")
    throw new LogReadError(loaded.kind === "gone" ? `${part.key} is gone` : loaded.message);
  if (!isWanted()) return false;
  if (part.fromOffset > log.nextOffset) {
    // Nothing was between two parts but what a recovery skipped. What else is missing here the disk has not taken.
    if (skipGap(state.recoveries, log.nextOffset) < part.fromOffset) throw notTaken(log);
    if (!(await log.skipTo(part.fromOffset))) return false;
  }
  const { bytes } = loaded;
  for (let at = 0; at < bytes.length;) {
    const size = batchSizeAt(bytes, at);
    const baseOffset = baseOffsetAt(bytes, at);
    if (baseOffset >= part.toOffset) break;
    if (baseOffset >= log.nextOffset || isFirst(log, nextOffsetAt(bytes, at))) {
      await store.room(size);
      if (!isWanted()) return false;
      // Flushed, whatever the topic asks for: there is no other copy here.
      const followed = log.follow(bytes.subarray(at, at + size), {
        leaderEpoch: state.leaderEpoch,
        durability: "fsync",
        nowMs: clock.nowMs(),
      });
      if (followed.kind === "refused") throw new LogReadError(followed.reason);
    }
    at += size;
  }
  return true;
}

/** The log begins inside of it: of what lies before, nothing is asked for. */
const isFirst = ({ localStartOffset, nextOffset }: PartitionLog, endOffset: number): boolean =>
  localStartOffset === nextOffset && endOffset > nextOffset;

const notTaken = ({ nextOffset }: PartitionLog): LogReadError =>
  new LogReadError(`the disk did not take what was to be written at ${nextOffset}`);

const lookEveryMs = 10;

/** A commit takes milliseconds. Of a log that was dropped it never comes. */
async function written(
  log: PartitionLog,
  at: { readonly endOffset: number; readonly clock: Clock; readonly isWanted: () => boolean },
): Promise<boolean> {
  while (log.logEndOffset < log.nextOffset && log.failure === null && at.isWanted())
    await new Promise<void>((resolve) => void at.clock.after(lookEveryMs, resolve));
  if (log.failure !== null || !at.isWanted()) return false;
  // A write that fails takes back what was in it.
  if (log.logEndOffset < at.endOffset) throw notTaken(log);
  log.advanceHighWatermark(Math.max(log.highWatermark, log.logEndOffset));
  return true;
}
