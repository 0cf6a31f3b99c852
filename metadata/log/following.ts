import type { Clock } from "../../ports/clock.ts";
import type { MetadataLog } from "../../ports/metadata-log.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { MetadataLogOutput } from "./log-output.ts";

type FollowingOptions = {
  log: MetadataLog;
  clock: Clock;
  output: MetadataLogOutput;
  /** Asked anew before each pause. */
  pollMs: () => number;
  readToHead: () => Promise<number>;
};

/** Reads on at every hint of the log, and every `pollMs` whatever the hints do. */
export function startFollowing(options: FollowingOptions): Following {
  const { log, clock, output, pollMs, readToHead } = options;
  let isStopped = false;
  let isReachable = true;

  function read(): void {
    readToHead().then(reached, missed);
  }

  function reached(): void {
    if (!isReachable) output.info("the metadata log answers again");
    isReachable = true;
  }

  function missed(error: unknown): void {
    if (!(error instanceof MetadataLogError)) throw error;
    if (isReachable && !isStopped) {
      const message = "the metadata log does not answer; changes of metadata wait";
      output.warn(message, { error: error.message });
    }
    isReachable = false;
  }

  function schedule(): () => void {
    return clock.after(pollMs(), () => {
      read();
      cancelPoll = schedule();
    });
  }

  let cancelPoll = schedule();
  const stopListening = log.onAppend(read);
  return {
    paceChanged() {
      if (isStopped) return;
      cancelPoll();
      cancelPoll = schedule();
    },
    stop() {
      isStopped = true;
      cancelPoll();
      stopListening();
    },
  };
}

export type Following = {
  /** `pollMs` is another from now on. */
  paceChanged(): void;
  stop(): void;
};
