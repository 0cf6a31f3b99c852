import type { Connection } from "../../ports/network.ts";
import type { ExternalBytes } from "../../protocol/external-bytes.ts";
import type { Encoded } from "../../protocol/schema/encode.ts";
import { isLogRange, type LogRange, type MaterialisedBytes } from "../log/log-range.ts";

// Sends a connection's responses in order. Ranges of the log are looked up only once the socket has taken everything before them, and no more than
// a piece at a time: a reader that stops costs positions, not record bytes.

export type OutgoingResponse = Encoded & {
  /** The kernel has every byte. */
  sent(): void;
};

type Part = Uint8Array | ExternalBytes;

export type ResponseWriterOptions = {
  /** The largest piece. */
  readonly writeBytes: number;
  /** The kernel took some bytes. */
  readonly taken: () => void;
  /** The response under way can not be completed; the connection must be destroyed. */
  readonly broken: (reason: string, cause: unknown) => void;
};

/** The least that a socket is handed while there is more. */
const smallestPiece = 64 * 1024;

/** One call of `write`: what to do when the kernel has its bytes. */
type Batch = {
  readonly chunks: Uint8Array[];
  byteLength: number;
  readonly pieces: MaterialisedBytes[];
  readonly finished: OutgoingResponse[];
};

export class ResponseWriter {
  readonly #connection: Connection;
  readonly #options: ResponseWriterOptions;
  readonly #queue: OutgoingResponse[] = [];
  /** Where sending stands within the first response of the queue. */
  #partIndex = 0;
  #partOffset = 0;
  /**
   * Handed to the socket at once. Large pieces save system calls, and on one machine the waking of the reader for each of them: 256 KiB at a time cost
   * 0.30 s/GB, 1 MiB 0.16. But what a slow socket has been handed and has not taken is memory, so it is handed less.
   */
  #pieceBytes: number;
  #ready: MaterialisedBytes | null = null;
  #isMaterialising = false;
  #isBlocked = false;
  #isEnding = false;
  #isEnded = false;
  #isClosed = false;
  #isBroken = false;
  #waitingBytes = 0;
  readonly #giveUp = (): void => this.#break("others needed what it held back", null);

  constructor(connection: Connection, options: ResponseWriterOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#pieceBytes = options.writeBytes;
  }

  /** Response bytes held in memory, not counting ranges of the log. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  push(response: OutgoingResponse): void {
    if (this.#isClosed || this.#isEnding) {
      releaseParts(response.parts);
      return;
    }
    this.#queue.push(response);
    this.#waitingBytes += heldBytes(response.parts);
    for (const part of response.parts) {
      if (!(part instanceof Uint8Array) && isLogRange(part)) part.queued(this.#giveUp);
    }
  }

  /** Sends what the socket takes; goes on by itself when it takes more. */
  flush(): void {
    while (!this.#isBlocked && !this.#isClosed && !this.#isBroken) {
      const batch = this.#gather();
      this.#readAhead();
      if (batch.chunks.length === 0) break;
      this.#isBlocked = !this.#connection.write(batch.chunks, () => {
        this.#isBlocked = false;
        this.#taken(batch);
        this.flush();
      });
      this.#suitPieces();
      if (!this.#isBlocked) this.#taken(batch);
    }
    if (this.#isEnding && this.#queue.length === 0 && !this.#isEnded && !this.#isClosed) {
      this.#isEnded = true;
      this.#connection.end();
    }
  }

  /** Twice as much next time after the kernel took a piece at once, else half. */
  #suitPieces(): void {
    const { writeBytes } = this.#options;
    this.#pieceBytes = this.#isBlocked
      ? Math.max(this.#pieceBytes >>> 1, Math.min(smallestPiece, writeBytes))
      : Math.min(this.#pieceBytes * 2, writeBytes);
  }

  /** Closes once everything pushed so far is sent; what is pushed later is dropped. */
  end(): void {
    this.#isEnding = true;
  }

  /** The connection is gone. What the socket still reads from is released when it says so. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ready?.release();
    this.#ready = null;
    for (const [index, response] of this.#queue.entries()) {
      releaseParts(index === 0 ? response.parts.slice(this.#partIndex) : response.parts);
    }
    this.#queue.length = 0;
    this.#waitingBytes = 0;
  }

  #gather(): Batch {
    const batch: Batch = { chunks: [], byteLength: 0, pieces: [], finished: [] };
    const firstPart = this.#partIndex;
    for (;;) {
      const response = this.#queue[0];
      if (response === undefined) return batch;
      const part = response.parts[this.#partIndex];
      if (part === undefined) {
        this.#queue.shift();
        this.#partIndex = 0;
        batch.finished.push(response);
      } else if (batch.byteLength >= this.#pieceBytes) {
        return batch;
      } else if (part instanceof Uint8Array) {
        batch.chunks.push(part);
        batch.byteLength += part.byteLength;
        this.#partIndex++;
      } else if (!this.#gatherRange(part, batch)) {
        if (batch.pieces.length > 0 || batch.finished.length > 0) return batch;
        // Nothing but what introduces the range: it goes out with the range's first bytes.
        this.#partIndex = firstPart;
        return { ...batch, chunks: [] };
      }
    }
  }

  /** False: its bytes are not at hand yet. */
  #gatherRange(part: ExternalBytes, batch: Batch): boolean {
    if (!isLogRange(part)) throw new TypeError("a response may only point into the log");
    const piece = this.#ready ?? this.#materialise(part, batch);
    this.#ready = null;
    if (piece === null) return false;
    batch.chunks.push(...piece.chunks);
    batch.byteLength += piece.byteLength;
    batch.pieces.push(piece);
    this.#partOffset += piece.byteLength;
    if (this.#partOffset < part.byteLength) return true;
    part.release();
    this.#partIndex++;
    this.#partOffset = 0;
    return true;
  }

  #materialise(range: LogRange, batch: Batch): MaterialisedBytes | null {
    if (this.#isMaterialising) return null;
    const wantedBytes = Math.min(
      range.byteLength - this.#partOffset,
      this.#pieceBytes - batch.byteLength,
    );
    let piece: MaterialisedBytes | Promise<MaterialisedBytes>;
    try {
      piece = range.materialise(this.#partOffset, wantedBytes);
    } catch (error) {
      this.#break("the log could not be read", error);
      return null;
    }
    if (!(piece instanceof Promise)) return piece;
    this.#isMaterialising = true;
    piece.then(
      (arrived) => {
        this.#isMaterialising = false;
        if (this.#isClosed) {
          arrived.release();
          return;
        }
        this.#ready = arrived;
        this.flush();
      },
      (error: unknown) => {
        this.#isMaterialising = false;
        this.#break("the log could not be read", error);
      },
    );
    return null;
  }

  /** Has what comes next read from disk while the socket takes what came before, about a piece of it. */
  #readAhead(): void {
    const parts = this.#queue[0]?.parts ?? [];
    let isUnderWay = this.#isMaterialising || this.#ready !== null;
    let left = this.#pieceBytes;
    for (let index = this.#partIndex; index < parts.length && left > 0; index++) {
      const part = parts[index]!;
      if (part instanceof Uint8Array || !isLogRange(part)) continue;
      const from = index === this.#partIndex ? this.#partOffset : 0;
      if (!isUnderWay) part.readAhead(from, this.#pieceBytes);
      isUnderWay = false;
      left -= part.byteLength - from;
    }
  }

  #break(reason: string, cause: unknown): void {
    if (this.#isClosed || this.#isBroken) return;
    this.#isBroken = true;
    this.#options.broken(reason, cause);
  }

  #taken(batch: Batch): void {
    for (const piece of batch.pieces) piece.release();
    for (const response of batch.finished) {
      if (!this.#isClosed) this.#waitingBytes -= heldBytes(response.parts);
      response.sent();
    }
    this.#options.taken();
  }
}

function heldBytes(parts: readonly Part[]): number {
  let bytes = 0;
  for (const part of parts) if (part instanceof Uint8Array) bytes += part.byteLength;
  return bytes;
}

/** Lets go of what a response that will not be sent points to. */
export function releaseParts(parts: readonly Part[]): void {
  for (const part of parts) {
    if (!(part instanceof Uint8Array) && isLogRange(part)) part.release();
  }
}
