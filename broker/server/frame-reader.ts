import type { Frame, FramePool } from "./frame-pool.ts";

// Cuts a connection's bytes into frames. While a connection is between frames its bytes land in scratch memory that all connections share; frames
// are copied out of it, so that nothing of it is kept once `received` returns. The rest of a frame that began there is received where it belongs.

/**
 * `frame`: one is complete. `more`: every byte is used up. `wait`: a frame of `sizeBytes` needs memory, hand it over with `give`.
 * `wrong`: these are no Kafka frames.
 */
export type ReadStep =
  | { readonly kind: "frame"; readonly frame: Frame; readonly at: number }
  | { readonly kind: "more" }
  | { readonly kind: "wait"; readonly sizeBytes: number; readonly at: number }
  | { readonly kind: "wrong"; readonly reason: string };

const more: ReadStep = { kind: "more" };
const sizePrefixBytes = 4;

export class FrameReader {
  readonly #pool: FramePool;
  readonly #maxFrameBytes: number;
  #sizeSeen = 0;
  #size = 0;
  #frame: Frame | null = null;
  #filled = 0;

  constructor(pool: FramePool, maxFrameBytes: number) {
    this.#pool = pool;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** The part of a frame that is still to come, to be received in place; null between frames. */
  get rest(): Uint8Array | null {
    const frame = this.#frame;
    return frame === null ? null : frame.memory.subarray(this.#filled, frame.byteLength);
  }

  get isInFrame(): boolean {
    return this.#sizeSeen > 0;
  }

  /** `count` bytes arrived in `rest`. */
  filled(count: number): Frame | null {
    this.#filled += count;
    return this.#completed();
  }

  /** Memory for the frame that a `wait` asked for. */
  give(frame: Frame): void {
    this.#frame = frame;
    this.#filled = 0;
  }

  /** Reads on in `bytes` from `at`. */
  read(bytes: Uint8Array, at: number): ReadStep {
    let next = at;
    if (this.#frame === null) {
      while (this.#sizeSeen < sizePrefixBytes && next < bytes.byteLength) {
        this.#size = (this.#size << 8) | (bytes[next++] ?? 0);
        this.#sizeSeen++;
      }
      if (this.#sizeSeen < sizePrefixBytes) return more;
      if (this.#size < 0 || this.#size > this.#maxFrameBytes) {
        return { kind: "wrong", reason: wrongSize(this.#size) };
      }
      const lent = this.#pool.lend(this.#size);
      if (lent === null) return { kind: "wait", sizeBytes: this.#size, at: next };
      this.give(lent);
    }
    const target = this.#frame;
    if (target === null) return more;
    const count = Math.min(target.byteLength - this.#filled, bytes.byteLength - next);
    target.memory.set(bytes.subarray(next, next + count), this.#filled);
    const frame = this.filled(count);
    return frame === null ? more : { kind: "frame", frame, at: next + count };
  }

  /** The connection is gone. */
  close(): void {
    if (this.#frame !== null) this.#pool.giveBack(this.#frame);
    this.#frame = null;
  }

  #completed(): Frame | null {
    const frame = this.#frame;
    if (frame === null || this.#filled < frame.byteLength) return null;
    this.#frame = null;
    this.#sizeSeen = 0;
    this.#size = 0;
    return frame;
  }
}

/** The first bytes of what is sent to a Kafka port by mistake, read as a size. */
const otherProtocols = new Map([
  [0x47455420, "an HTTP request"],
  [0x504f5354, "an HTTP request"],
  [0x48454144, "an HTTP request"],
  [0x50555420, "an HTTP request"],
  [0x44454c45, "an HTTP request"],
  [0x4f505449, "an HTTP request"],
  [0x50524920, "an HTTP/2 request"],
]);

function wrongSize(size: number): string {
  if (size >>> 16 === 0x1603) return "a TLS handshake: this listener speaks plain Kafka";
  const other = otherProtocols.get(size);
  if (other !== undefined) return `${other}: this port speaks Kafka`;
  return size < 0 ? `a frame of negative size ${size}` : `a frame of ${size} bytes`;
}
