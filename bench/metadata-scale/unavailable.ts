import { MetadataLogError } from "../../ports/metadata-log.ts";

/** A log that does not answer is part of what is measured; anything else is a bug. */
export function onlyUnavailable(error: unknown): undefined {
  if (!(error instanceof MetadataLogError)) throw error;
}
