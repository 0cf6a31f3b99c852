import type { ExternalBytes } from "../../protocol/external-bytes.ts";

// What a fetch response carries in place of records: where they are in the WAL. The bytes are looked up when the socket has room for them, some 256 KiB at
// a time, so a slow reader costs a list of positions and no record bytes. `byteLength` is fixed: the response's frame length is written before.

export type LogRange = ExternalBytes & {
  /** Whole record batches, one behind the other. */
  readonly byteLength: number;
  /**
   * The bytes from `from` on: at least one, at most `maxBytes` (or the rest). At once if they are in memory, else a promise that rejects if the disk
   * fails or the bytes are damaged: then the connection is closed, for its response can no longer be completed.
   *
   * The answer is pinned until its `release`. `giveUp` is called (once, at most, and not after `release`) when memory has run out and this pin is the oldest:
   * close the connection, then `release` as soon as the kernel reads its bytes no more.
   */
  materialise(
    from: number,
    maxBytes: number,
    giveUp: () => void,
  ): MaterialisedBytes | Promise<MaterialisedBytes>;
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
