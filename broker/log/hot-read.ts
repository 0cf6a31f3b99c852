import type { ReadRequest, ReadResult } from "./partition-log.ts";
import type { StoredLog } from "./stored-log.ts";
import { firstOffsetOf, placeOf } from "./wal-index.ts";
import { WalRange } from "./wal-range.ts";

/** Whether memory's index alone answers a read from `offset`. */
export function isHot(log: StoredLog, offset: number): boolean {
  if (log.copies.some((range) => range.endOffset > offset)) return false;
  return !log.hasCold || offset >= log.firstHotOffset;
}

export function readHot(log: StoredLog, request: ReadRequest): ReadResult {
  const { pieces } = log;
  let at = pieces.length - 1;
  while (at > 0 && firstOffsetOf(pieces[at]!) > request.fromOffset) at -= 1;
  let place = at < 0 ? 0 : placeOf(pieces[at]!, request.fromOffset);
  const answer = new ReadAnswer(log, request);
  for (; at >= 0 && at < pieces.length; at += 1, place = 0) {
    const { file, index, rows } = pieces[at]!;
    for (; place < rows.length; place += 1) {
      const row = rows[place]!;
      const taken = answer.take(file, {
        baseOffset: index.baseOffsets[row]!,
        lastOffset: index.lastOffsets[row]!,
        position: index.positions[row]!,
        size: index.sizes[row]!,
      });
      if (!taken) return answer.result();
    }
  }
  return answer.result();
}

/** A read's answer, batch by batch. */
export class ReadAnswer {
  readonly #log: StoredLog;
  readonly #request: ReadRequest;
  #range: WalRange | null = null;
  #baseOffset = -1;
  #nextBatchBytes = 0;
  nextOffset: number;

  constructor(log: StoredLog, request: ReadRequest) {
    this.#log = log;
    this.#request = request;
    this.nextOffset = request.fromOffset;
  }

  /** Adds the batch if the request allows; false ends the answer. */
  take(
    file: Parameters<WalRange["add"]>[0],
    batch: { baseOffset: number; lastOffset: number; position: number; size: number },
  ): boolean {
    const { maxBytes, upToOffset, atLeastOneBatch } = this.#request;
    if (batch.lastOffset >= upToOffset) return false;
    const taken = this.#range?.byteLength ?? 0;
    if (taken + batch.size > maxBytes && (this.#range !== null || !atLeastOneBatch)) {
      if (this.#range === null) this.#nextBatchBytes = batch.size;
      return false;
    }
    if (this.#range === null) {
      this.#range = new WalRange(this.#log);
      this.#baseOffset = batch.baseOffset;
    }
    this.#range.add(file, batch.position, batch.size);
    this.nextOffset = batch.lastOffset + 1;
    return true;
  }

  /** When the answer is given up half-way. */
  discard(): void {
    this.#range?.release();
    this.#range = null;
  }

  result(): ReadResult {
    if (this.#range === null) return { kind: "empty", nextBatchBytes: this.#nextBatchBytes };
    return {
      kind: "data",
      records: this.#range,
      baseOffset: this.#baseOffset,
      nextOffset: this.nextOffset,
    };
  }
}
