import type { Connection } from "../../ports/network.ts";
import type { ExternalBytes } from "../../protocol/external-bytes.ts";
import type { Encoded } from "../../protocol/schema/encode.ts";
import { isLogRange, type LogRange, type MaterialisedBytes } from "../log/log-range.ts";

// Sends a connection's responses in order. Ranges of the log are looked up only once the socket has taken everything before them, and no more than
// `writeBytes` at a time: a reader that stops costs positions, not record bytes.

export type OutgoingResponse = Encoded & {
  /** The kernel has every byte. */
  sent(): void;
};

type Part = Uint8Array | ExternalBytes;

export type ResponseWriterOptions = {
  readonly writeBytes: number;
  /** The kernel took some bytes. */
  readonly taken: () => void;
  /** The response under way can not be completed; the connection must be destroyed. */
  readonly broken: (reason: string, cause: unknown) => void;
};

/** One call of `write`: what to do when the kernel has its bytes. */
type Batch = {
  readonly chunks: Uint8Array[];
  byteLength: number;
  readonly releases: (() => void)[];
  readonly finished: OutgoingResponse[];
};

export class ResponseWriter {
  readonly #connection: Connection;
  readonly #options: ResponseWriterOptions;
  readonly #queue: OutgoingResponse[] = [];
  /** Where sending stands within the first response of the queue. */
  #partIndex = 0;
  #partOffset = 0;
  #ready: MaterialisedBytes | null = null;
  #isMaterialising = false;
  #isBlocked = false;
  #isEnding = false;
  #isEnded = false;
  #isClosed = false;
  #isBroken = false;
  #waitingBytes = 0;

  constructor(connection: Connection, options: ResponseWriterOptions) {
    this.#connection = connection;
    this.#options = options;
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
  }

  /** Sends what the socket takes; goes on by itself when it takes more. */
  flush(): void {
    while (!this.#isBlocked && !this.#isClosed && !this.#isBroken) {
      const batch = this.#gather();
      if (batch.chunks.length === 0) break;
      this.#isBlocked = !this.#connection.write(batch.chunks, () => {
        this.#isBlocked = false;
        this.#taken(batch);
        this.flush();
      });
      if (!this.#isBlocked) this.#taken(batch);
    }
    if (this.#isEnding && this.#queue.length === 0 && !this.#isEnded && !this.#isClosed) {
      this.#isEnded = true;
      this.#connection.end();
    }
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
    const batch: Batch = { chunks: [], byteLength: 0, releases: [], finished: [] };
    for (;;) {
      const response = this.#queue[0];
      if (response === undefined) return batch;
      const part = response.parts[this.#partIndex];
      if (part === undefined) {
        this.#queue.shift();
        this.#partIndex = 0;
        batch.finished.push(response);
      } else if (batch.byteLength >= this.#options.writeBytes) {
        return batch;
      } else if (part instanceof Uint8Array) {
        batch.chunks.push(part);
        batch.byteLength += part.byteLength;
        this.#partIndex++;
      } else if (!this.#gatherRange(part, batch)) {
        return batch;
      }
    }
  }

  /** False: its bytes are not at hand yet. */
  #gatherRange(part: ExternalBytes, batch: Batch): boolean {
    if (!isLogRange(part)) throw new TypeError("a response may only point into the log");
    const bytes = this.#ready ?? this.#materialise(part, batch);
    this.#ready = null;
    if (bytes === null) return false;
    batch.chunks.push(...bytes.chunks);
    batch.byteLength += bytes.byteLength;
    batch.releases.push(() => bytes.release());
    this.#partOffset += bytes.byteLength;
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
      this.#options.writeBytes - batch.byteLength,
    );
    const giveUp = (): void => this.#break("it held the oldest pin of the log's memory", null);
    let bytes: MaterialisedBytes | Promise<MaterialisedBytes>;
    try {
      bytes = range.materialise(this.#partOffset, wantedBytes, giveUp);
    } catch (error) {
      this.#break("the log could not be read", error);
      return null;
    }
    if (!(bytes instanceof Promise)) return bytes;
    this.#isMaterialising = true;
    bytes.then(
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

  #break(reason: string, cause: unknown): void {
    if (this.#isClosed || this.#isBroken) return;
    this.#isBroken = true;
    this.#options.broken(reason, cause);
  }

  #taken(batch: Batch): void {
    for (const release of batch.releases) release();
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
