import type { ExternalBytes } from "../../protocol/external-bytes.ts";

// What a fetch response carries in place of records: where they are in the WAL. The bytes are looked up when the socket has room for them, piece by piece, so
// a slow reader costs a list of positions and no record bytes. `byteLength` is fixed: the response's frame length is written before.

export type LogRange = ExternalBytes & {
  /** Whole record batches, one behind the other. */
  readonly byteLength: number;
  /**
   * It stands in line for a reader. `giveUp` is called (and may be again) when what the range or a piece of it keeps is needed: memory that has run out, or a
   * WAL file on a full disk. Close the connection then, and release as soon as the kernel reads no more.
   */
  queued(giveUp: () => void): void;
  /**
   * The bytes from `from` on: at least one, at most `maxBytes` (or the rest, or what was read ahead). At once if they are in memory, else a promise that
   * rejects if the disk fails or the bytes are damaged: then the connection is closed, for its response can no longer be completed. Of a damaged batch
   * larger than a piece, the last piece at least is never given.
   *
   * The answer is pinned until its `release`.
   */
  materialise(from: number, maxBytes: number): MaterialisedBytes | Promise<MaterialisedBytes>;
  /** Has what `materialise` will be asked for next read from disk meanwhile, if it is there and memory is free for it. */
  readAhead(from: number, maxBytes: number): void;
  /** The range is done with, sent or not. Called once; it unpins the WAL files, and answers of `materialise` stay valid until their own release. */
  release(): void;
};

export type MaterialisedBytes = {
  /** To be handed to `Connection.write` as they are. */
  readonly chunks: readonly Uint8Array[];
  readonly byteLength: number;
  /** The kernel has taken the bytes (or the connection is closed). Called once. */
  release(): void;
};

export function isLogRange(bytes: ExternalBytes): bytes is LogRange {
  return "materialise" in bytes;
}
