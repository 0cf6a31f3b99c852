import { isSafeInt64At, int64At, uint32At } from "../../protocol/records/big-endian.ts";
import { ByteWriter } from "./byte-writer.ts";
import { decodeEpochs, encodeEpochs } from "./epoch-cache.ts";
import type { Gap } from "./gaps.ts";
import type { LogBefore } from "./partition-log.ts";

// The body of a `start` entry. Where nothing was before it is the eight bytes that `truncate` has too; else {version uint32, log start int64, epochs: length
// uint32 and bytes, producers: the same, gaps: count uint32 and {end int64, start int64} each}, big-endian. The entry's checksum guards it.

const goneBytesLength = 8;
const version = 1;

export function encodeLogBefore({
  logStartOffset,
  epochs,
  producers,
  gaps,
}: LogBefore): Uint8Array {
  const writer = new ByteWriter();
  writer.uint32(version);
  writer.int64(logStartOffset);
  writer.bytes(encodeEpochs({ entries: [...epochs] }));
  writer.bytes(producers);
  writer.uint32(gaps.length);
  for (const { end, start } of gaps) {
    writer.int64(end);
    writer.int64(start);
  }
  return writer.take();
}

/** Null: the log began with nothing before it. */
export function decodeLogBefore(body: Uint8Array): LogBefore | "corrupt" | null {
  if (body.length <= goneBytesLength) return null;
  if (body.length < 24 || uint32At(body, 0) !== version || !isSafeInt64At(body, 4))
    return "corrupt";
  const epochs = piece(body, 12);
  const producers = epochs === null ? null : piece(body, epochs.end);
  if (epochs === null || producers === null) return "corrupt";
  const entries = decodeEpochs(epochs.bytes)?.entries;
  const gaps = gapsAt(body, producers.end);
  if (entries === undefined || gaps === null) return "corrupt";
  return { logStartOffset: int64At(body, 4), epochs: entries, producers: producers.bytes, gaps };
}

const piece = (body: Uint8Array, at: number): { bytes: Uint8Array; end: number } | null => {
  if (body.length - at < 4) return null;
  const end = at + 4 + uint32At(body, at);
  // Copied: what is replayed from lies in a buffer that is read into again.
  return end > body.length ? null : { bytes: Uint8Array.from(body.subarray(at + 4, end)), end };
};

const gapsAt = (body: Uint8Array, at: number): Gap[] | null => {
  if (body.length - at < 4) return null;
  const count = uint32At(body, at);
  if (body.length !== at + 4 + count * 16) return null;
  return Array.from({ length: count }, (_, index) => {
    const gapAt = at + 4 + index * 16;
    return { end: int64At(body, gapAt), start: int64At(body, gapAt + 8) };
  });
};
