import type { Connection } from "../../ports/network.ts";
import type { Frame, FramePool } from "./frame-pool.ts";
import { FrameReader } from "./frame-reader.ts";

// The reading half of a connection: takes its bytes, cuts them into frames and hands those on while `mayStart` allows it. Else it keeps what was
// read already, which is no more than one read, and pauses the socket, so that the client is held back by TCP.

/** Memory that the reads of all connections share. */
export type Scratch = { readonly bytes: Uint8Array; isInUse: boolean };

export function createScratch(sizeBytes: number): Scratch {
  return { bytes: Buffer.allocUnsafeSlow(sizeBytes), isInUse: false };
}

export type RequestIntakeOptions = {
  readonly pool: FramePool;
  readonly scratch: Scratch;
  readonly maxFrameBytes: number;
  readonly mayStart: () => boolean;
  readonly start: (frame: Frame) => void;
  /** The bytes are no Kafka frames. */
  readonly wrong: (reason: string) => void;
};

/** A frame with less than this to come is read through the scratch, together with what follows it. */
const minDirectBytes = 16 * 1024;
const nestedReadBytes = 4 * 1024;

export class RequestIntake {
  readonly #socket: Connection;
  readonly #options: RequestIntakeOptions;
  readonly #reader: FrameReader;
  #given: Uint8Array | null = null;
  #isDirect = false;
  /** Bytes that were read before reading had to stop. */
  #leftover: { readonly bytes: Uint8Array; readonly at: number } | null = null;
  #leaveLine: (() => void) | null = null;
  #isParsing = false;
  #isPaused = false;
  #isStopped = false;

  constructor(socket: Connection, options: RequestIntakeOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new FrameReader(options.pool, options.maxFrameBytes);
  }

  get isParsing(): boolean {
    return this.#isParsing;
  }

  get isWaitingForMemory(): boolean {
    return this.#leaveLine !== null;
  }

  get isInFrame(): boolean {
    return this.#reader.isInFrame;
  }

  buffer(): Uint8Array {
    const { rest } = this.#reader;
    const { scratch } = this.#options;
    this.#isDirect = rest !== null && rest.byteLength >= minDirectBytes;
    if (rest !== null && this.#isDirect) this.#given = rest;
    else if (scratch.isInUse) this.#given = new Uint8Array(nestedReadBytes);
    else this.#given = scratch.bytes;
    return this.#given;
  }

  received(count: number): void {
    const given = this.#given;
    if (given === null || this.#isStopped) return;
    if (this.#isDirect) {
      const frame = this.#reader.filled(count);
      if (frame !== null) this.#start(frame);
      return;
    }
    const { scratch } = this.#options;
    const isScratch = given === scratch.bytes;
    if (isScratch) scratch.isInUse = true;
    this.#parse({ bytes: given.subarray(0, count), at: 0 }, true);
    if (isScratch) scratch.isInUse = false;
  }

  /** Goes on with what was kept, if it may, then lets the socket read or not. */
  readOn(): void {
    if (this.#isParsing || this.#isStopped) return;
    const { mayStart } = this.#options;
    const leftover = this.#leftover;
    if (leftover !== null && this.#leaveLine === null && mayStart()) {
      this.#leftover = null;
      this.#parse(leftover, false);
    }
    const shouldPause = this.#leftover !== null || this.#leaveLine !== null || !mayStart();
    if (shouldPause === this.#isPaused || this.#isStopped) return;
    this.#isPaused = shouldPause;
    if (shouldPause) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Reads no more, for good. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#leftover = null;
    this.#leaveLine?.();
    this.#leaveLine = null;
    if (!this.#isPaused) this.#socket.pause();
  }

  /** The connection is gone, and with it whoever could write into the frame that was being received. */
  close(): void {
    this.stop();
    this.#reader.close();
  }

  /** `isShared`: the bytes lie in memory that other connections will read into. */
  #parse(input: { readonly bytes: Uint8Array; readonly at: number }, isShared: boolean): void {
    const { bytes } = input;
    let { at } = input;
    while (at < bytes.byteLength && !this.#isStopped) {
      if (!this.#options.mayStart()) {
        this.#keep(bytes, at, isShared);
        return;
      }
      const step = this.#reader.read(bytes, at);
      switch (step.kind) {
        case "more":
          return;
        case "wrong":
          this.#options.wrong(step.reason);
          return;
        case "frame":
          at = step.at;
          this.#start(step.frame);
          break;
        case "wait":
          this.#keep(bytes, step.at, isShared);
          this.#waitForMemory(step.sizeBytes);
          return;
      }
    }
  }

  #start(frame: Frame): void {
    this.#isParsing = true;
    try {
      this.#options.start(frame);
    } finally {
      this.#isParsing = false;
    }
  }

  #keep(bytes: Uint8Array, at: number, isShared: boolean): void {
    if (at === bytes.byteLength || this.#isStopped) return;
    this.#leftover = isShared ? { bytes: Buffer.copyBytesFrom(bytes, at), at: 0 } : { bytes, at };
  }

  #waitForMemory(sizeBytes: number): void {
    const { pool } = this.#options;
    this.#leaveLine = pool.whenFree(sizeBytes, (frame) => {
      this.#leaveLine = null;
      this.#reader.give(frame);
      this.readOn();
    });
  }
}
