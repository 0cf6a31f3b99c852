// The thread that writes and flushes the WAL: system calls made here wait for the disk, neither for the main thread nor behind reads and name look-ups in
// libuv's four threads. Commands are carried out in the order they came.
import { fdatasyncSync } from "node:fs";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { systemFailure, type SystemFailure } from "./disk-error.ts";
import type { WalAnswer, WalCommand, WalWorkerData } from "./wal-protocol.ts";
import { writeAllSync } from "./write-all.ts";

const { commands, signal }: WalWorkerData = workerData;
const sequence = new Int32Array(signal);

// After a failed flush the kernel may have dropped the pages and forgotten the error: another flush would report success for lost bytes.
const filesThatFailedToFlush = new Set<number>();

function carryOut(command: WalCommand): void {
  if (filesThatFailedToFlush.has(command.file)) throw new Error("an earlier flush failed");
  if (command.kind === "write") {
    writeAllSync(command.fd, command.chunks, command.position);
    return;
  }
  try {
    fdatasyncSync(command.fd);
  } catch (error) {
    filesThatFailedToFlush.add(command.file);
    throw error;
  }
}

function answer(command: WalCommand): WalAnswer {
  const startMs = performance.now();
  let failure: SystemFailure | null = null;
  try {
    carryOut(command);
  } catch (error) {
    failure = systemFailure(error);
  }
  return { id: command.id, failure, tookMs: performance.now() - startMs };
}

for (;;) {
  const seen = Atomics.load(sequence, 0);
  for (let next = receiveMessageOnPort(commands); next !== undefined;) {
    const command: WalCommand = next.message;
    parentPort?.postMessage(answer(command));
    next = receiveMessageOnPort(commands);
  }
  Atomics.wait(sequence, 0, seen);
}
