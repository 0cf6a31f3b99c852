/**
 * The cell's only source of truth: entries numbered from 1 without holes, appended by compare-and-set. Bytes are opaque here; what they mean is
 * metadata/log's. One entry is at most 256 KiB (DynamoDB's item limit is 400 KB).
 */
export type MetadataLog = {
  /**
   * Appends `entry` as `revision`: accepted only if `revision` is free and `revision - 1` exists (else a writer paused across a trim would append
   * to the past). Resolves "conflict" otherwise. Throws MetadataLogError `unavailable` when the outcome is unknown: read to find out.
   */
  append(revision: number, entry: Uint8Array): Promise<"accepted" | "conflict">;
  /** Appends the first entry, or a restore's jump, as any `revision` >= 1: accepted only if the log is empty. */
  genesis(revision: number, entry: Uint8Array): Promise<"accepted" | "conflict">;
  /** Entries from `fromRevision` on, ascending, at most `limit`. "trimmed" if `fromRevision` was trimmed away: load a snapshot. */
  read(fromRevision: number, limit: number): Promise<MetadataEntry[] | "trimmed">;
  /** Drops entries below `beforeRevision`, in ascending order; never the head. */
  trim(beforeRevision: number): Promise<void>;
  /** Calls `listener` when an entry may have been appended here: a hint that may come late, twice or never, so readers poll as well. */
  onAppend(listener: () => void): () => void;
  close(): Promise<void>;
};

export type MetadataEntry = { revision: number; entry: Uint8Array };

/** Largest entry that append takes, in bytes. */
export const maxMetadataEntryBytes = 256 * 1024;

export class MetadataLogError extends Error {
  readonly code: "unavailable" | "tooLarge" | "closed";
  constructor(
    code: "unavailable" | "tooLarge" | "closed",
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = "MetadataLogError";
    this.code = code;
  }
}
