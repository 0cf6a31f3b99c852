import type { ObjectStore } from "../../ports/object-store.ts";
import { whereStoreIsAway } from "./unavailable.ts";

/** The metadata log is empty, and the object store is not: whoever began a cell there would take all of its topics for deleted ones. */
export class LogIsLost extends Error {
  constructor(cell: string, key: string) {
    super(
      `the metadata log is empty, and the object store has what a cell "${cell}" has left (${key}): restore it (myelin cell restore), begin under another name, or take those objects away`,
    );
    this.name = "LogIsLost";
  }
}

/**
 * Refuses to begin a cell where another one's objects are. `isEmpty`: reads the log once more, for somebody may have begun the cell just now. Throws LogIsLost,
 * MetadataLogError ("unavailable", also for the store) and ObjectStoreError.
 */
export async function refuseLeftovers(
  objects: ObjectStore,
  cell: string,
  isEmpty: () => Promise<boolean>,
): Promise<void> {
  const [left] = await objects
    .list(`cells/${cell}/`, { limit: 1 })
    .catch(whereStoreIsAway("whether another cell was here cannot be asked"));
  if (left !== undefined && (await isEmpty())) throw new LogIsLost(cell, left.key);
}
