// What the main thread and the WAL worker say to each other, about what is not done at once (write-cost.ts). Commands go over a MessagePort, and a notify on
// the signal wakes the worker, which sleeps in Atomics.wait; answers come back as messages. Measured on two cores, 16 KiB writes, p50 and CPU per write: this
// 10 us and 15 us; messages both ways 23 and 25; fs.promises 29 and 37. Where the two threads run on two cores of a virtual machine, waking the other one
// through its hypervisor is most of it: this 80 us and 70, commands in shared memory 52 and 42, with Atomics.waitAsync for the answer 55 and 45. An idle worker
// costs nothing.
import type { MessagePort } from "node:worker_threads";
import type { SystemFailure } from "./disk-error.ts";

export type WalCommand =
  | {
      kind: "write";
      id: number;
      file: number;
      fd: number;
      chunks: readonly Uint8Array[];
      position: number;
    }
  | { kind: "flush"; id: number; file: number; fd: number };

export type WalAnswer = { id: number; failure: SystemFailure | null; tookMs: number };

export type WalWorkerData = { commands: MessagePort; signal: SharedArrayBuffer };
