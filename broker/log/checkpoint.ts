import { int64At, isSafeInt64At, uint32At } from "../../protocol/records/big-endian.ts";
import { crc32c } from "../../protocol/records/crc32c.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { encodeEpochs } from "./epoch-cache.ts";
import type { Gap } from "./gaps.ts";
import { encodeProducerState } from "./producer-snapshot.ts";
import type { StoredLog } from "./stored-log.ts";

// What all logs were when the WAL went on in file `sequence`, before its first entry. Recovery starts from it and replays that file and later ones; older files
// count only as it says. A file of its own beside the WAL, replaced whole: it is stored when everything it speaks of is flushed.

export type Checkpoint = {
  /** Replay starts with this file. */
  readonly sequence: number;
  /** The last file before it, 0 if there is none: the chain of files begins there. */
  readonly previousSequence: number;
  /** Where its entries end: what lies behind was cut off. */
  readonly previousEnd: number;
  /** All files before it. One that is gone was reclaimed since; one that is not among them was never begun. */
  readonly files: readonly number[];
  readonly nextNumber: number;
  readonly logs: readonly LogCheckpoint[];
};

export type LogCheckpoint = {
  readonly number: number;
  readonly topicId: string;
  readonly index: number;
  readonly failure: string | null;
  readonly logStartOffset: number;
  readonly localStartOffset: number;
  readonly nextOffset: number;
  readonly highWatermark: number;
  readonly sizeBytes: number;
  readonly epochs: Uint8Array;
  /** Empty if there are none. */
  readonly producers: Uint8Array;
  readonly copies: readonly { sequence: number; startOffset: number; endOffset: number }[];
  readonly cuts: readonly { beforeSequence: number; offset: number }[];
  readonly gaps: readonly Gap[];
  readonly isFlushedFirst: boolean;
};

const magic = 0x4d594c43;
const version = 4;
/** The same, but for `localStartOffset`: everything was here. */
const versionBeforeTiers = 3;
/** The same as that, but for `isFlushedFirst`. */
const versionBeforeFlags = 2;
const readable: ReadonlySet<number> = new Set([version, versionBeforeTiers, versionBeforeFlags]);

const none = new Uint8Array(0);

/** What comes before the logs. Behind them is the CRC-32C of all of it. */
export function beginCheckpoint(
  writer: ByteWriter,
  position: Omit<Checkpoint, "logs">,
  logCount: number,
): void {
  writer.uint32(magic);
  writer.uint32(version);
  writer.uint32(position.sequence);
  writer.uint32(position.previousSequence);
  writer.uint32(position.previousEnd);
  writer.uint32(position.nextNumber);
  writer.uint32(position.files.length);
  for (const sequence of position.files) writer.uint32(sequence);
  writer.uint32(logCount);
}

export function writeLog(writer: ByteWriter, log: StoredLog): void {
  writer.uint32(log.number);
  writer.bytes(Buffer.from(log.topicId));
  writer.uint32(log.index);
  writer.bytes(Buffer.from(log.failure ?? ""));
  writer.int64(log.logStartOffset);
  writer.int64(log.localStartOffset);
  writer.int64(log.nextOffset);
  writer.int64(log.highWatermark);
  writer.int64(log.sizeBytes);
  writer.bytes(encodeEpochs(log.epochs));
  const { producers, transactions } = log.producers;
  const isEmpty = producers.size === 0 && transactions.byFirstOffset.size === 0;
  writer.bytes(isEmpty ? none : encodeProducerState(log.producers));
  writer.uint32(log.copies.length);
  for (const { file, startOffset, endOffset } of log.copies) {
    writer.uint32(file.sequence);
    writer.int64(startOffset);
    writer.int64(endOffset);
  }
  writer.uint32(log.cuts.length);
  for (const cut of log.cuts) {
    writer.uint32(cut.beforeSequence);
    writer.int64(cut.offset);
  }
  writer.uint32(log.gaps.length);
  for (const gap of log.gaps) {
    writer.int64(gap.end);
    writer.int64(gap.start);
  }
  writer.uint32(log.isFlushedFirst ? 1 : 0);
}

class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  #take(count: number): number {
    if (this.#at + count > this.#bytes.length) throw new RangeError("cut off");
    this.#at += count;
    return this.#at - count;
  }

  uint32(): number {
    return uint32At(this.#bytes, this.#take(4));
  }

  int64(): number {
    const at = this.#take(8);
    if (!isSafeInt64At(this.#bytes, at)) throw new RangeError("past 2^53");
    return int64At(this.#bytes, at);
  }

  bytes(): Uint8Array {
    const length = this.uint32();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  list<T>(read: () => T): T[] {
    const count = this.uint32();
    const items: T[] = [];
    for (let left = count; left > 0; left -= 1) items.push(read());
    return items;
  }
}

/** Null if the bytes are no whole checkpoint of this version. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint | null {
  const end = bytes.length - 4;
  if (end < 24 || uint32At(bytes, end) !== crc32c(bytes, 0, end)) return null;
  const writtenAs = uint32At(bytes, 4);
  if (uint32At(bytes, 0) !== magic) return null;
  if (!readable.has(writtenAs)) return null;
  const reader = new ByteReader(bytes.subarray(8, end));
  try {
    return {
      sequence: reader.uint32(),
      previousSequence: reader.uint32(),
      previousEnd: reader.uint32(),
      nextNumber: reader.uint32(),
      files: reader.list(() => reader.uint32()),
      logs: reader.list(() => readLog(reader, writtenAs)),
    };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

const readLog = (reader: ByteReader, writtenAs: number): LogCheckpoint => ({
  number: reader.uint32(),
  topicId: text(reader.bytes()),
  index: reader.uint32(),
  failure: text(reader.bytes()) || null,
  ...readStarts(reader, writtenAs),
  nextOffset: reader.int64(),
  highWatermark: reader.int64(),
  sizeBytes: reader.int64(),
  epochs: reader.bytes(),
  producers: reader.bytes(),
  copies: reader.list(() => ({
    sequence: reader.uint32(),
    startOffset: reader.int64(),
    endOffset: reader.int64(),
  })),
  cuts: reader.list(() => ({ beforeSequence: reader.uint32(), offset: reader.int64() })),
  gaps: reader.list(() => ({ end: reader.int64(), start: reader.int64() })),
  isFlushedFirst: writtenAs > versionBeforeFlags && reader.uint32() === 1,
});

const readStarts = (
  reader: ByteReader,
  writtenAs: number,
): Pick<LogCheckpoint, "logStartOffset" | "localStartOffset"> => {
  const logStartOffset = reader.int64();
  const localStartOffset = writtenAs > versionBeforeTiers ? reader.int64() : logStartOffset;
  return { logStartOffset, localStartOffset };
};
