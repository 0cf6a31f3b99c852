import assert from "node:assert";
import { Worker } from "node:worker_threads";
import { handOver } from "./carried-bytes.ts";

/** A thread that answers one request after the other. */
export type CompactionThread<Request, Answer> = {
  /** One call at a time. The request's bytes are given away. Rejects if the thread has ended, for whatever reason: its end is final. */
  call(request: Request): Promise<Answer>;
  /** Ends the thread, whatever it does; a call that waits rejects. */
  close(): Promise<void>;
};

type Waiting<Answer> = { resolve: (answer: Answer) => void; reject: (error: Error) => void };

/** Starts the thread of compaction-worker.ts, which says what requests and answers are. An idle one does not keep the process alive. */
export function startCompactionThread<Request extends object, Answer>(
  workerUrl: URL = defaultWorkerUrl(),
): CompactionThread<Request, Answer> {
  const worker = new Worker(workerUrl);
  let waiting: Waiting<Answer> | null = null;
  let ended: Error | null = null;

  function settle(how: (call: Waiting<Answer>) => void): void {
    const call = waiting;
    waiting = null;
    worker.unref();
    if (call !== null) how(call);
  }

  function end(error: Error): void {
    const reason = (ended ??= error);
    settle(({ reject }) => reject(reason));
  }

  worker.on("message", (answer: Answer) => settle(({ resolve }) => resolve(answer)));
  worker.on("messageerror", (error) => end(error));
  worker.on("error", (error: Error) => end(error));
  worker.on("exit", () => end(new Error("the compaction thread ended")));
  worker.unref();

  return {
    call(request) {
      if (ended !== null) return Promise.reject(ended);
      assert(waiting === null, "one call at a time");
      const { message, transferList } = handOver(request);
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        worker.ref();
        worker.postMessage(message, transferList);
      });
    },
    async close() {
      end(new Error("the compaction thread was closed"));
      await worker.terminate();
    },
  };
}

// Run as it is written, or bundled beside its caller as a file of the same kind.
function defaultWorkerUrl(): URL {
  const extension = /\.\w+$/.exec(import.meta.url)?.[0] ?? ".js";
  return new URL(`./compaction-worker${extension}`, import.meta.url);
}
