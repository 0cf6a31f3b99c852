import type { ObjectStore } from "../../ports/object-store.ts";
import type { MetadataReplica } from "./replica.ts";
import { listSnapshots } from "./snapshots.ts";

type OvertakenOptions = {
  readonly objects: ObjectStore;
  readonly cell: string;
  readonly metadata: Pick<MetadataReplica, "image" | "readToHead">;
};

/**
 * Whether another log has begun over the same objects: a restore's snapshot lies above this log's head. What this log does not know may be that one's then.
 * Throws MetadataLogError and ObjectStoreError.
 */
export async function isOvertaken(options: OvertakenOptions): Promise<boolean> {
  const { objects, cell, metadata } = options;
  const newest = (await listSnapshots(objects, cell)).at(-1) ?? 0;
  // After the look at the store: of its own log no snapshot is above the head.
  await metadata.readToHead();
  return newest > metadata.image.revision;
}
