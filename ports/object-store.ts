/**
 * Whole objects under string keys ("/" separates levels), as S3 has them: read-after-write, conditional puts, ordered listing. A key is well-formed
 * Unicode of at most 1,024 bytes without NUL, its segments neither empty nor "." nor ".." nor too long for a file name (240 bytes, each outside
 * letters, digits and -_.=+@, counting three).
 */
export type ObjectStore = {
  /**
   * Stores `bytes`, lent until it settles, and, once durable, resolves with the new ETag: another one than any other bytes had (the same bytes may
   * have the same). `ifAbsent`: only if the key does not exist; `ifMatch`: only if its ETag is that. An unmet condition resolves with null and
   * changes nothing.
   */
  put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<{ etag: string } | null>;
  /** The object or the byte range [start, end) of it (cut at its end, so it may be empty); null if it does not exist. */
  get(
    key: string,
    range?: { start: number; end: number },
  ): Promise<{ bytes: Uint8Array; etag: string; sizeBytes: number } | null>;
  head(key: string): Promise<{ etag: string; sizeBytes: number } | null>;
  /** Keys that begin with `prefix`, in ascending order of their UTF-8 bytes, after `startAfter`, at most `limit` (1,000 by default). */
  list(
    prefix: string,
    options?: { startAfter?: string; limit?: number },
  ): Promise<{ key: string; sizeBytes: number }[]>;
  /** Deletes; nothing happens if it does not exist. */
  delete(key: string): Promise<void>;
};

export type PutCondition = { ifAbsent: true } | { ifMatch: string };

/** `unavailable`: may have taken effect or not, try again later. `invalid`: the call can never succeed (bad key). */
export class ObjectStoreError extends Error {
  readonly code: "unavailable" | "invalid";
  constructor(code: "unavailable" | "invalid", message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ObjectStoreError";
    this.code = code;
  }
}
