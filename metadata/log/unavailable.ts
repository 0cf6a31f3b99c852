import { MetadataLogError } from "../../ports/metadata-log.ts";
import { ObjectStoreError } from "../../ports/object-store.ts";

/** What callers of a replica that cannot answer get; the log's own errors pass as they are. */
export function unavailable(message: string, cause?: unknown): MetadataLogError {
  return new MetadataLogError("unavailable", message, { cause });
}

/** Of a replica that needs the object store as well: that it is away is what a log that is away would be. */
export function whereStoreIsAway(message: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ObjectStoreError) || error.code !== "unavailable") throw error;
    throw unavailable(message, error);
  };
}
