import { activeBrokers } from "../../metadata/image/image.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import type { Log } from "../api-context.ts";

export type MaintainOptions = {
  replica: Pick<MetadataReplica, "image" | "readToHead" | "maintain">;
  log: Log;
};

export type MaintainResult =
  | { readonly kind: "maintained"; readonly archivedTo: number; readonly snapshotAt: number }
  /** A broker is up, and its controller does this every ten seconds. */
  | { readonly kind: "leftToBrokers" };

/**
 * Archives the metadata log, snapshots the image, trims behind it and drops old idempotency keys: on a schedule, for cells whose brokers sleep while the
 * control plane goes on changing them. Running twice at a time, or beside a controller that has just woken up, harms nothing.
 */
export async function maintain({ replica, log }: MaintainOptions): Promise<MaintainResult> {
  await replica.readToHead();
  if (activeBrokers(replica.image).length > 0) return { kind: "leftToBrokers" };
  const { archivedTo, snapshotAt, trimmedBefore } = await replica.maintain();
  log.info("metadata log maintained", { archivedTo, snapshotAt, trimmedBefore });
  return { kind: "maintained", archivedTo, snapshotAt };
}
