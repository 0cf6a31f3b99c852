import type { Clock } from "../../ports/clock.ts";
import type { ReadRequest, ReadResult } from "../log/partition-log.ts";
import type { Partition } from "../replication/partition.ts";
import type { Tier, TierRead } from "../cold/tier.ts";

/** Where what is no longer here is read from, and how long one fetch waits for it. */
export type TierSource = { readonly tier: Pick<Tier, "read">; readonly clock: Clock };

/** A fetch of many partitions does not wait longer for one: what is on its way is in memory when it is asked for again. */
const patienceMs = 500;

/** Reads on in the object store, and behind its end here again. */
export async function readTier(
  { tier, clock }: TierSource,
  partition: Partition,
  request: ReadRequest,
): Promise<ReadResult> {
  const { log } = partition;
  // As it is before the object store is looked at: what is let go of here later went up behind what that look finds.
  const { localStartOffset } = log;
  const read = await inTime(clock, tier.read(partition, request));
  if (read === null) return { kind: "empty", nextBatchBytes: 0 };
  if (read.kind !== "empty") return read;
  // What is there and does not fit is not to be passed over.
  if (!read.isAtEnd) return { kind: "empty", nextBatchBytes: 0 };
  const fromOffset = Math.max(request.fromOffset, localStartOffset);
  // Where nothing is left of what was tiered, the next record is the first one here.
  if (fromOffset >= request.upToOffset || fromOffset === request.fromOffset)
    return { kind: "empty", nextBatchBytes: 0 };
  return log.read({ ...request, fromOffset });
}

/** Null if it takes too long; what comes then is let go of. */
function inTime(clock: Clock, reading: Promise<TierRead>): Promise<TierRead | null> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const cancel = clock.after(patienceMs, () => {
      isLate = true;
      resolve(null);
    });
    reading.then(
      (read) => {
        cancel();
        if (!isLate) resolve(read);
        else if (read.kind === "data") read.records.release();
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
