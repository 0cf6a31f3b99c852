import { crc32cAfter } from "../../protocol/records/crc32c.ts";
import { assert } from "../assert.ts";
import { beginCheckpoint, writeLog, type Checkpoint } from "./checkpoint.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { LogTable } from "./log-table.ts";

/**
 * The state of all logs at one moment, encoded a part at a time while they go on: ten thousand logs at once would hold up everything for 20 ms and more. A log is
 * encoded when its turn comes or right before the first entry of it that follows the moment, whichever is first; nothing that a replay repeats changes
 * without an entry.
 */
export class CheckpointCapture {
  readonly sequence: number;
  /** What it speaks of was undone, it must not be stored. */
  isVoid = false;
  readonly #table: LogTable;
  /** Logs to encode, by number, with their ends at that moment. */
  readonly #left = new Map<number, number>();
  readonly #writer = new ByteWriter();
  #crc = 0;
  #isDone = false;

  constructor(table: LogTable, position: Omit<Checkpoint, "logs" | "nextNumber">) {
    this.sequence = position.sequence;
    this.#table = table;
    for (const log of table.byNumber.values()) this.#left.set(log.number, log.nextOffset);
    const { nextNumber } = table;
    beginCheckpoint(this.#writer, { ...position, nextNumber }, this.#left.size);
  }

  /** An entry of the log is about to be appended, or to wait for room, and the log to change. */
  keep(number: number): void {
    const nextOffset = this.#left.get(number);
    if (nextOffset === undefined) return;
    this.#left.delete(number);
    const log = this.#table.byNumber.get(number);
    assert(log?.nextOffset === nextOffset, "a log changes behind the entry that says so");
    writeLog(this.#writer, log);
    log.capturedEnd = nextOffset;
  }

  /** The next bytes, one behind the other; null behind the last. */
  nextPart(partBytes: number): Uint8Array[] | null {
    if (this.#isDone) return null;
    for (const number of this.#left.keys()) {
      if (this.#writer.byteLength >= partBytes) break;
      this.keep(number);
    }
    const bytes = this.#writer.take();
    this.#crc = crc32cAfter(this.#crc, bytes);
    if (this.#left.size > 0) return [bytes];
    this.#isDone = true;
    this.#writer.uint32(this.#crc);
    return [bytes, this.#writer.take()];
  }
}
