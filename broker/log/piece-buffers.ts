import type { Clock } from "../../ports/clock.ts";
import { assert } from "../assert.ts";
import { createSlabs, type Place, type Slabs } from "./slabs.ts";

// Memory for what goes to a socket and is no slice of the ring: bytes read from disk, and small batches copied together. It is one bound for all readers of a
// broker, allocated once and used again and again. Who finds none free waits, in order. A buffer is back when the kernel has its bytes, so one that stays
// away belongs to a reader that has all but stopped: while others wait, such a reader is given up.

export type PieceBuffer = {
  readonly bytes: Uint8Array;
  /** Its bytes stand and wait for the socket: from now on it is known since when. */
  filled(): void;
  /** Nobody reads its bytes any more. Called once. */
  release(): void;
};

/**
 * The largest buffer. A read of so much is worth its system call and the way to another thread and back (1 MiB: 0.48 s/GB of a lagging fetch, 512 KiB 0.55,
 * 256 KiB 0.75), and most batches are read whole.
 */
const wantedSlabBytes = 1024 * 1024;
/** However small the budget. */
const fewestSlabs = 4;
/** How long a reader may keep a buffer that others wait for. */
const patienceMs = 5_000;

type Held = { readonly giveUp: () => void; readonly byteLength: number; sinceMs: number };
type Waiter = {
  readonly byteLength: number;
  readonly giveUp: () => void;
  readonly resolve: (buffer: PieceBuffer) => void;
};

export class PieceBuffers {
  readonly budgetBytes: number;
  readonly #clock: Clock;
  readonly #slabs: Slabs;
  /** Filled buffers, the longest held first. */
  readonly #filled = new Set<Held>();
  readonly #waiters: Waiter[] = [];
  #heldBytes = 0;
  #cancelLook: (() => void) | null = null;

  constructor(options: { clock: Clock; budgetBytes: number }) {
    const { clock, budgetBytes } = options;
    let slabBytes = wantedSlabBytes;
    while (slabBytes * fewestSlabs > budgetBytes) slabBytes /= 2;
    assert(slabBytes >= 2048, "the smallest buffer holds the headers of a batch");
    this.budgetBytes = budgetBytes;
    this.#clock = clock;
    this.#slabs = createSlabs({ limit: Math.floor(budgetBytes / slabBytes), slabBytes });
  }

  /** The largest buffer. */
  get slabBytes(): number {
    return this.#slabs.sizes[0]!;
  }

  /** What everyone can do with while many read at once. */
  get fairBytes(): number {
    return this.#slabs.sizes[1]!;
  }

  /** How large a buffer would be that is taken for so many bytes, or for as many as fit. */
  capacityFor(byteLength: number): number {
    return this.#slabs.sizes.findLast((size) => size >= byteLength) ?? this.slabBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether so much is free that a buffer may be taken for what could wait. */
  get hasPlenty(): boolean {
    return this.#waiters.length === 0 && this.#heldBytes <= this.budgetBytes / 2;
  }

  /** A buffer of at least so many bytes, or null if none is free. `giveUp` is called (at most once, and not after release) when others need it. */
  tryTake(byteLength: number, giveUp: () => void): PieceBuffer | null {
    return this.#waiters.length > 0 ? null : this.#hold(byteLength, giveUp);
  }

  /** The same as soon as there is one, in the order of the calls. */
  take(byteLength: number, giveUp: () => void): Promise<PieceBuffer> {
    const buffer = this.tryTake(byteLength, giveUp);
    if (buffer !== null) return Promise.resolve(buffer);
    this.#lookLater();
    return new Promise((resolve) => this.#waiters.push({ byteLength, giveUp, resolve }));
  }

  #hold(byteLength: number, giveUp: () => void): PieceBuffer | null {
    const level = this.#slabs.sizes.findLastIndex((size) => size >= byteLength);
    assert(level >= 0, "no piece is larger than the largest buffer");
    const place = this.#slabs.take(level);
    return place === null ? null : this.#lend(place, giveUp);
  }

  #lend({ bytes, giveBack }: Place, giveUp: () => void): PieceBuffer {
    const held: Held = { giveUp, byteLength: bytes.length, sinceMs: 0 };
    this.#heldBytes += bytes.length;
    let isReleased = false;
    return {
      bytes,
      filled: () => {
        held.sinceMs = this.#clock.monotonicMs();
        this.#filled.add(held);
      },
      release: () => {
        assert(!isReleased, "a buffer is released once");
        isReleased = true;
        this.#filled.delete(held);
        this.#heldBytes -= bytes.length;
        giveBack();
        this.#serve();
      },
    };
  }

  #serve(): void {
    for (let next = this.#waiters[0]; next !== undefined; next = this.#waiters[0]) {
      const buffer = this.#hold(next.byteLength, next.giveUp);
      if (buffer === null) return;
      this.#waiters.shift();
      next.resolve(buffer);
    }
    this.#cancelLook?.();
    this.#cancelLook = null;
  }

  #lookLater(): void {
    this.#cancelLook ??= this.#clock.after(patienceMs, () => this.#look());
  }

  /** Gives up as many as those in line need. */
  #look(): void {
    this.#cancelLook = null;
    let missingBytes = this.#waiters.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (missingBytes === 0) return;
    this.#lookLater();
    const latestMs = this.#clock.monotonicMs() - patienceMs;
    for (const held of this.#filled) {
      if (missingBytes <= 0 || held.sinceMs > latestMs) return;
      this.#filled.delete(held);
      missingBytes -= held.byteLength;
      held.giveUp();
    }
  }
}
