import { MessageChannel, Worker } from "node:worker_threads";
import { DiskError } from "../../ports/disk.ts";
import { diskErrorOf } from "./disk-error.ts";
import type { WalAnswer, WalCommand, WalWorkerData } from "./wal-protocol.ts";

/** The one thread per disk that writes and flushes shared memory, in the order of the calls. Its end, for whatever reason, is final. */
export type WalThread = {
  /** It lives and has nothing to do. */
  readonly isIdle: boolean;
  /** Resolves with the milliseconds it took there. */
  write(target: WalTarget, chunks: readonly Uint8Array[], position: number): Promise<number>;
  flush(target: WalTarget): Promise<number>;
  close(): Promise<void>;
};

/** `file` numbers the open file: descriptors are used again, these are not. */
export type WalTarget = { readonly file: number; readonly fd: number };

type Waiting = { resolve: (tookMs: number) => void; reject: (error: DiskError) => void };

export function startWalThread(workerUrl: URL = defaultWorkerUrl()): WalThread {
  const channel = new MessageChannel();
  const signal = new SharedArrayBuffer(4);
  const sequence = new Int32Array(signal);
  const data: WalWorkerData = { commands: channel.port2, signal };
  const worker = new Worker(workerUrl, {
    workerData: data,
    transferList: [channel.port2],
    // Its messages die young: without a limit their garbage grows to what the main thread may have.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let ended: DiskError | null = null;

  function end(error: DiskError): void {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
    channel.port1.close();
  }

  worker.on("message", ({ id, failure, tookMs }: WalAnswer) => {
    const call = waiting.get(id);
    waiting.delete(id);
    // Without work the thread does not keep the process alive.
    if (waiting.size === 0) worker.unref();
    if (failure === null) call?.resolve(tookMs);
    else call?.reject(diskErrorOf(failure));
  });
  worker.on("error", (error) => {
    end(new DiskError("closed", "the WAL worker failed", { cause: error }));
  });
  worker.on("exit", () => end(new DiskError("closed", "the WAL worker ended")));
  worker.unref();

  function call(command: (id: number) => WalCommand): Promise<number> {
    if (ended !== null) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      const id = nextId++;
      if (waiting.size === 0) worker.ref();
      waiting.set(id, { resolve, reject });
      channel.port1.postMessage(command(id));
      Atomics.add(sequence, 0, 1);
      Atomics.notify(sequence, 0);
    });
  }

  return {
    get isIdle() {
      return ended === null && waiting.size === 0;
    },
    write: (target, chunks, position) =>
      call((id) => ({ kind: "write", id, ...target, chunks: chunks.map(sendable), position })),
    flush: (target) => call((id) => ({ kind: "flush", id, ...target })),
    async close() {
      end(new DiskError("closed", "the disk is closed"));
      await worker.terminate();
    },
  };
}

/** Shared memory travels as a reference. Other memory is cloned with the whole buffer below it, so only the part that counts is sent. */
function sendable(chunk: Uint8Array): Uint8Array {
  if (isShared(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return Uint8Array.from(chunk);
}

export function isShared(chunk: Uint8Array): boolean {
  return chunk.buffer instanceof SharedArrayBuffer;
}

// Run as it is written, or bundled beside its caller as a file of the same kind.
function defaultWorkerUrl(): URL {
  const extension = /\.\w+$/.exec(import.meta.url)?.[0] ?? ".js";
  return new URL(`./wal-worker${extension}`, import.meta.url);
}
