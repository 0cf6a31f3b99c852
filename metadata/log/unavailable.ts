import { MetadataLogError } from "../../ports/metadata-log.ts";

/** What callers of a replica that cannot answer get; the log's own errors pass as they are. */
export function unavailable(message: string, cause?: unknown): MetadataLogError {
  return new MetadataLogError("unavailable", message, { cause });
}
