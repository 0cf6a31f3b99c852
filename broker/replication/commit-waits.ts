import type { PartitionLog } from "../log/partition-log.ts";

type Ends = Pick<PartitionLog, "logEndOffset" | "nextOffset" | "failure">;

/** Who waits until what was appended to some logs is written, or never will be. */
export type CommitWaits = {
  whenWritten(logs: readonly Ends[]): Promise<void>;
  /** A commit of these logs ended, well or not. */
  settled(logs: Iterable<Ends>): void;
  /** Nothing is waited for any more. */
  stop(): void;
};

const isSettled = (log: Ends): boolean =>
  log.logEndOffset >= log.nextOffset || log.failure !== null;

export function createCommitWaits(): CommitWaits {
  const waits = new Set<{ readonly logs: Set<Ends>; readonly done: () => void }>();
  let isStopped = false;
  return {
    whenWritten(logs) {
      const pending = logs.filter((log) => !isSettled(log));
      if (pending.length === 0 || isStopped) return Promise.resolve();
      return new Promise((done) => waits.add({ logs: new Set(pending), done }));
    },
    settled(logs) {
      if (waits.size === 0) return;
      const settled = Array.from(logs).filter(isSettled);
      for (const wait of waits) {
        for (const log of settled) wait.logs.delete(log);
        if (wait.logs.size > 0) continue;
        waits.delete(wait);
        wait.done();
      }
    },
    stop() {
      isStopped = true;
      for (const wait of waits) wait.done();
      waits.clear();
    },
  };
}
