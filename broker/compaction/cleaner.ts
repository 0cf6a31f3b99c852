import {
  attributeBits,
  attributesAt,
  baseOffsetAt,
  baseTimestampAt,
  forEachBatch,
  hasDeleteHorizonAt,
  isControlAt,
  isCrcValidAt,
  lastOffsetAt,
  maxTimestampAt,
  nextOffsetAt,
  recordCountAt,
} from "../../protocol/records/batch.ts";
import { batchPayload, type DecodingFailure } from "../../protocol/records/decode.ts";
import { forEachRecord } from "../../protocol/records/records.ts";
import { assert } from "../assert.ts";
import type { CleanedBatch } from "./clean-batch.ts";
import type {
  CleaningFailure,
  CleaningJob,
  CleaningStatistics,
  CleaningSummary,
  Mapped,
  MapStop,
  Rewritten,
} from "./cleaning-job.ts";
import { createJudge, isAbortedBatch, judgeBatch, type Judge } from "./judge.ts";
import { createKeyMap, putKey } from "./key-map.ts";
import { createOutput, finishOutput, putBytes, putInput, type Output } from "./output.ts";

// One run over one partition's log: first the dirty section's batches go through `mapBatches`, then the whole log's, from its start to where the map ended,
// through `rewriteBatches`. Both take whole batches in the order of the log, in pieces of any size; nothing but the map and the present piece is held. A run
// that is given up has changed nothing, and so has one that ended as long as nobody put its output in place. Output may be put in place part by part, from
// the front: `firstDirtyOffset` moves only when all of it is, and cleaning what is clean already changes nothing.

export type Cleaning = {
  readonly job: CleaningJob;
  readonly judge: Judge;
  phase: "mapping" | "rewriting" | "ended";
  stop: MapStop | null;
  /** The last offset of the pass, to see that batches come in order. */
  lastOffset: number;
  failure: CleaningFailure | null;
  readonly statistics: { -readonly [Name in keyof CleaningStatistics]: CleaningStatistics[Name] };
};

/** Allocates the map. */
export function createCleaning(job: CleaningJob): Cleaning {
  assert(job.firstDirtyOffset <= job.endOffset, "the dirty section does not end before it begins");
  return {
    job,
    judge: createJudge(job, createKeyMap(job.mapMemoryBytes, job.hashSeed)),
    phase: "mapping",
    stop: null,
    lastOffset: -1,
    failure: null,
    statistics: {
      mappedRecords: 0,
      mappedBytes: 0,
      keyCount: 0,
      recordsRead: 0,
      recordsKept: 0,
      bytesRead: 0,
      bytesKept: 0,
      batchesRewritten: 0,
      batchesEmptied: 0,
      firstDeleteHorizonMs: null,
      lastDeleteHorizonMs: null,
      expiringBytes: 0,
    },
  };
}

/** Takes the keys of these batches into the map. What lies below the dirty section is passed over, what lies behind its end not looked at. */
export function mapBatches(cleaning: Cleaning, bytes: Uint8Array): Mapped | CleaningFailure {
  assert(cleaning.phase === "mapping", "all of the map is made before anything is rewritten");
  const { job, judge, statistics } = cleaning;
  const failure = eachBatch(cleaning, bytes, (at, size) => {
    if (nextOffsetAt(bytes, at) <= job.firstDirtyOffset) return true;
    cleaning.stop = stopBefore(job, bytes, at);
    if (cleaning.stop !== null) return false;
    if (!isControlAt(bytes, at) && !isAbortedBatch(judge, bytes, at)) {
      const mapped = mapRecords(judge, bytes, at);
      if (mapped === "full") {
        if (judge.mappedEnd === job.firstDirtyOffset) return tooManyKeys(bytes, at);
        cleaning.stop = "full";
        return false;
      }
      if (mapped !== null) return damaged(bytes, at, mapped.kind, mapped.message);
    }
    judge.mappedEnd = nextOffsetAt(bytes, at);
    statistics.mappedRecords += recordCountAt(bytes, at);
    statistics.mappedBytes += size;
    return true;
  });
  statistics.keyCount = judge.map.keyCount;
  return failure ?? { kind: "mapped", mappedEnd: judge.mappedEnd, stop: cleaning.stop };
}

/** These batches as they are to be from now on. The first call ends the map. Batches behind its end come out as they are. */
export function rewriteBatches(cleaning: Cleaning, bytes: Uint8Array): Rewritten | CleaningFailure {
  assert(cleaning.phase !== "ended", "a run that goes on");
  if (cleaning.phase === "mapping") {
    cleaning.phase = "rewriting";
    cleaning.lastOffset = -1;
  }
  const { judge, statistics } = cleaning;
  const output = createOutput(bytes);
  const failure = eachBatch(cleaning, bytes, (at, size) => {
    statistics.recordsRead += recordCountAt(bytes, at);
    statistics.bytesRead += size;
    const isMapped = baseOffsetAt(bytes, at) < judge.mappedEnd;
    const remains = isMapped ? judgeBatch(judge, bytes, at) : untouched(bytes, at);
    if ("message" in remains) {
      return damaged(bytes, at, remains.kind, remains.message);
    }
    putRemains(cleaning, output, { remains, at, size });
    return true;
  });
  if (failure !== null) return failure;
  const rewritten = finishOutput(output);
  return { kind: "rewritten", bytes: rewritten, isChanged: rewritten !== bytes };
}

/** Ends the run. */
export function endCleaning(cleaning: Cleaning): CleaningSummary {
  assert(cleaning.phase !== "ended" && cleaning.failure === null, "a run that went well, once");
  cleaning.phase = "ended";
  return { ...cleaning.statistics, cleanedTo: cleaning.judge.mappedEnd };
}

/** Calls `visit` for each batch that is whole, sound and in order, until it returns false, or a failure. After a failure the run can only be given up. */
const eachBatch = (
  cleaning: Cleaning,
  bytes: Uint8Array,
  visit: (at: number, size: number) => boolean | CleaningFailure,
): CleaningFailure | null => {
  if (cleaning.failure !== null || (cleaning.stop !== null && cleaning.phase === "mapping")) {
    return cleaning.failure;
  }
  const wrong = forEachBatch(bytes, (at, size) => {
    cleaning.failure = disorder(cleaning, bytes, at);
    if (cleaning.failure !== null) return false;
    cleaning.lastOffset = lastOffsetAt(bytes, at);
    const verdict = visit(at, size);
    if (typeof verdict === "boolean") return verdict;
    cleaning.failure = verdict;
    return false;
  });
  if (wrong !== null) {
    const { message } = wrong;
    cleaning.failure = { kind: "corruptState", offset: cleaning.lastOffset + 1, message };
  }
  return cleaning.failure;
};

/** A rewritten batch gets a CRC of its own, so damage must be found before: it would be sound for ever after. */
const disorder = (cleaning: Cleaning, bytes: Uint8Array, at: number): CleaningFailure | null => {
  const offset = baseOffsetAt(bytes, at);
  if (offset <= cleaning.lastOffset) {
    return { kind: "corruptState", offset, message: `follows offset ${cleaning.lastOffset}` };
  }
  if (isCrcValidAt(bytes, at)) return null;
  return { kind: "corruptState", offset, message: "the record batch fails its CRC" };
};

/** Timestamps are all that is known of a batch's age; one without (-1) is old. Without a lag they mean nothing here, be they of tomorrow. */
const stopBefore = (job: CleaningJob, bytes: Uint8Array, at: number): MapStop | null => {
  if (lastOffsetAt(bytes, at) >= job.endOffset) return "end";
  const isYoung = maxTimestampAt(bytes, at) > job.nowMs - job.minCompactionLagMs;
  return isYoung && job.minCompactionLagMs > 0 ? "young" : null;
};

/** `full` may have taken some of the batch's keys: harmless, for the records that they point to stay as they lie behind the map's end. */
const mapRecords = (
  judge: Judge,
  bytes: Uint8Array,
  at: number,
): "full" | DecodingFailure | null => {
  const payload = batchPayload(bytes, at, judge.job.maxDecompressedBytes);
  // An emptied batch has nothing to decompress; it has no codec either.
  if (payload.kind !== "decompressed") return payload;
  const baseOffset = baseOffsetAt(bytes, at);
  const { map } = judge;
  let hasRoom = true;
  const failure = forEachRecord(
    payload.bytes,
    { count: recordCountAt(bytes, at), offsets: "ascending" },
    (record) => {
      if (record.keyLength < 0) return true;
      hasRoom = putKey(map, payload.bytes, record, baseOffset + record.offsetDelta);
      return hasRoom;
    },
  );
  if (failure !== null) return { kind: "corruptInput", message: failure.message };
  return hasRoom ? null : "full";
};

const tooManyKeys = (bytes: Uint8Array, at: number): CleaningFailure => ({
  kind: "tooLarge",
  offset: baseOffsetAt(bytes, at),
  message: "one record batch has more keys than the key map takes",
});

const damaged = (
  bytes: Uint8Array,
  at: number,
  kind: DecodingFailure["kind"],
  message: string,
): CleaningFailure => ({
  kind: kind === "tooLarge" ? "tooLarge" : "corruptState",
  offset: baseOffsetAt(bytes, at),
  message,
});

const untouched = (bytes: Uint8Array, at: number): CleanedBatch => ({
  kind: "kept",
  recordCount: recordCountAt(bytes, at),
  tombstoneBytes: 0,
});

type Placed = { readonly remains: CleanedBatch; readonly at: number; readonly size: number };

const putRemains = (cleaning: Cleaning, output: Output, { remains, at, size }: Placed): void => {
  const { statistics } = cleaning;
  switch (remains.kind) {
    case "dropped":
      return;
    case "kept":
      putInput(output, at, size);
      statistics.bytesKept += size;
      statistics.recordsKept += remains.recordCount;
      noteHorizon(cleaning, output.input, at, remains.tombstoneBytes);
      return;
    case "rewritten":
      putBytes(output, remains.bytes);
      statistics.bytesKept += remains.bytes.length;
      statistics.recordsKept += remains.recordCount;
      statistics.batchesRewritten += 1;
      noteHorizon(cleaning, remains.bytes, 0, remains.tombstoneBytes);
      return;
    case "emptied":
      putBytes(output, remains.bytes);
      statistics.bytesKept += remains.bytes.length;
      statistics.batchesEmptied += 1;
  }
};

/** A horizon with nothing under it, for its tombstones were outdone by new values, is nothing to wait for. A marker has one only once it can go. */
const noteHorizon = (
  { statistics }: Cleaning,
  bytes: Uint8Array,
  at: number,
  tombstoneBytes: number,
): void => {
  if (!hasDeleteHorizonAt(bytes, at)) return;
  const isMarker = (attributesAt(bytes, at) & attributeBits.control) !== 0;
  if (tombstoneBytes === 0 && !isMarker) return;
  const horizon = baseTimestampAt(bytes, at);
  statistics.expiringBytes += isMarker ? markerBytes : tombstoneBytes;
  statistics.firstDeleteHorizonMs = Math.min(statistics.firstDeleteHorizonMs ?? horizon, horizon);
  statistics.lastDeleteHorizonMs = Math.max(statistics.lastDeleteHorizonMs ?? horizon, horizon);
};

/** A batch of its own: header, and one record of a key and a value that small. */
const markerBytes = 78;
