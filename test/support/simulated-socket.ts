import type { Connection } from "../../ports/network.ts";

/** A socket that takes a write at once while it has room, and else when the test says so; it reads the writer's memory only then, as a kernel does. */
export type SimulatedSocket = {
  readonly connection: Connection;
  /** The size of each write. */
  readonly writes: readonly number[];
  /** Everything taken so far. */
  received(): Buffer;
  /** Takes what waits, and has room for so much more. */
  drain(moreBytes: number): void;
};

const address = { host: "127.0.0.1", port: 1 };

export function createSimulatedSocket(roomBytes: number): SimulatedSocket {
  const writes: number[] = [];
  const taken: Buffer[] = [];
  let room = roomBytes;
  let pending: { chunks: readonly Uint8Array[]; done: () => void } | null = null;
  let isDestroyed = false;

  function flushPending(): void {
    if (pending === null) return;
    const { chunks, done } = pending;
    pending = null;
    if (!isDestroyed) taken.push(Buffer.concat(chunks));
    done();
  }

  const connection: Connection = {
    local: address,
    remote: address,
    start: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    end: () => undefined,
    destroy() {
      isDestroyed = true;
      flushPending();
    },
    write(chunks, done) {
      if (pending !== null) throw new Error("written to before the kernel took what came before");
      if (isDestroyed) return true;
      const byteLength = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      writes.push(byteLength);
      if (byteLength > room) {
        pending = { chunks, done };
        return false;
      }
      room -= byteLength;
      taken.push(Buffer.concat(chunks));
      return true;
    },
  };
  return {
    connection,
    writes,
    received: () => Buffer.concat(taken),
    drain(moreBytes) {
      room = moreBytes;
      flushPending();
    },
  };
}
