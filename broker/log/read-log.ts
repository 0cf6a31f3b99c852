import { readCold } from "./cold-read.ts";
import { skipGap } from "./gaps.ts";
import { isHot, readHot } from "./hot-read.ts";
import type { ReadRequest, ReadResult } from "./partition-log.ts";
import type { StoredLog } from "./stored-log.ts";

/** At once where it is in memory. */
export function readLog(log: StoredLog, request: ReadRequest): ReadResult | Promise<ReadResult> {
  const { fromOffset, upToOffset } = request;
  if (log.failure !== null) return { kind: "unavailable", reason: log.failure };
  if (fromOffset < log.logStartOffset || fromOffset > log.nextOffset) return { kind: "outOfRange" };
  if (fromOffset >= upToOffset) return { kind: "empty", nextBatchBytes: 0 };
  if (fromOffset < log.localStartOffset) return { kind: "tiered" };
  if (log.gaps.length > 0) {
    const behind = skipGap(log.gaps, fromOffset);
    if (behind !== fromOffset) return readLog(log, { ...request, fromOffset: behind });
  }
  return isHot(log, fromOffset) ? readHot(log, request) : readCold(log, request);
}
