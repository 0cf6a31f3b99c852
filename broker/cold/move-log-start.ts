import type { Partition } from "../replication/partition.ts";
import { moveLogStart } from "../replication/partition.ts";
import type { TierWriter } from "./tier-writer.ts";

/**
 * Lets go of what lies below `offset`, everywhere. The manifest is put first: whoever leads next must not find there what readers were told is gone. False if
 * that cannot be now.
 */
export async function moveLogStartEverywhere(
  tierWriter: Pick<TierWriter, "leave">,
  partition: Partition,
  offset: number,
): Promise<boolean> {
  const left = await tierWriter.leave(partition, offset);
  if (left.kind !== "done") return false;
  // A recovery may have cut the log meanwhile, if others lead it by now.
  return offset <= partition.log.highWatermark && moveLogStart(partition, offset);
}
