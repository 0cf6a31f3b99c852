import { DiskError } from "../../ports/disk.ts";
import { nextOffsetAt } from "../../protocol/records/batch.ts";
import { LogReadError } from "../log/partition-log.ts";
import type { LogOutput } from "../log-output.ts";
import type { Partition } from "../replication/partition.ts";
import type { PackBuilder } from "../tiering/pack.ts";

export type FillOptions = {
  /** Whose damaged batch has been told: it is met again in every round. */
  readonly damaged: WeakSet<Partition>;
  readonly log: LogOutput;
};

/** `end`: where it ends, 0 if nothing was added. `full`: the rest goes into the next pack. `partly`: what is left cannot be read now. */
export type Filled = { readonly end: number; readonly kind: "whole" | "full" | "partly" };

/** Adds what the partition has committed from `fromOffset` on. */
export async function fillPack(
  builder: PackBuilder,
  { partition, fromOffset }: { readonly partition: Partition; readonly fromOffset: number },
  { damaged, log: output }: FillOptions,
): Promise<Filled> {
  const { log } = partition;
  const upTo = log.highWatermark;
  let end = 0;
  try {
    for await (const batch of log.readBatches(fromOffset, upTo)) {
      const added = builder.add(partition, batch);
      if (added.kind === "full") return { end, kind: "full" };
      if (added.kind === "corruptState") {
        if (!damaged.has(partition))
          output.error("a damaged batch is not packed, nor what is behind it", {
            topicId: partition.topicId,
            partition: partition.index,
            reason: added.message,
          });
        damaged.add(partition);
        return { end, kind: "partly" };
      }
      end = nextOffsetAt(batch, 0);
    }
  } catch (error) {
    // Cut or begun anew meanwhile, or the disk cannot read it: what can be read by then is packed in the next round. It is in the way of no other.
    if (!(error instanceof LogReadError || error instanceof DiskError)) throw error;
    if (error instanceof DiskError)
      output.warn("a partition's log cannot be read now, and is not packed", {
        topicId: partition.topicId,
        partition: partition.index,
        reason: error.message,
      });
    return { end, kind: "partly" };
  }
  return { end, kind: "whole" };
}
