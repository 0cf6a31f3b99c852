import { assert } from "../assert.ts";
import type {
  CleaningFailure,
  CleaningJob,
  CleaningSummary,
  Mapped,
  Rewritten,
} from "./cleaning-job.ts";
import { createCleaningDesk, type CleaningAnswer, type CleaningRequest } from "./cleaning-desk.ts";

// Cleaning takes a core for seconds, so it is asked of somebody else: a thread, or, where time is simulated, nobody but ourselves.

/** A cleaner somewhere else, for one run at a time. */
export type Cleaner = {
  /** Begins a run; the one before has ended or been given up. Rejects with `CleanerLostError`. */
  start(job: CleaningJob): Promise<CleaningRun>;
  /** Gives up what runs, which rejects. */
  close(): Promise<void>;
};

/**
 * `mapBatches`, `rewriteBatches` and `endCleaning`, one call at a time. Bytes change hands: a buffer that is all theirs goes without a copy, and is empty
 * afterwards. Each rejects with `CleanerLostError` where the cleaner has gone; the run is over then, and nothing has come of it. After a `CleaningFailure`
 * there is only `giveUp`.
 */
export type CleaningRun = {
  map(bytes: Uint8Array): Promise<Mapped | CleaningFailure>;
  rewrite(bytes: Uint8Array): Promise<Rewritten | CleaningFailure>;
  end(): Promise<CleaningSummary>;
  giveUp(): Promise<void>;
};

/** The cleaner was lost with the run in it. The same run may be tried again: a new cleaner takes the place of the old one. */
export class CleanerLostError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CleanerLostError";
  }
}

/** Where requests are answered, one by one. `call` rejects once it is gone, for good. */
export type CleaningPlace = {
  call(request: CleaningRequest): Promise<CleaningAnswer>;
  close(): Promise<void>;
};

/** Answers on the caller's own thread: for tests and the simulator. */
export function createInlinePlace(): CleaningPlace {
  const answer = createCleaningDesk();
  return {
    call: (request) => Promise.resolve().then(() => answer(request)),
    close: () => Promise.resolve(),
  };
}

/** A cleaner in the place that `open` gives, which is asked for another one after each loss. */
export function createCleaner(open: () => CleaningPlace): Cleaner {
  let place: CleaningPlace | null = null;
  let isClosed = false;
  /** What runs, by identity: a run that is over must not speak for the next. */
  let running: object | null = null;

  async function call(run: object, request: CleaningRequest): Promise<CleaningAnswer> {
    if (isClosed) throw new CleanerLostError("the cleaner is closed");
    if (running !== run) throw new CleanerLostError("the run is over");
    const asked = (place ??= open());
    try {
      return await asked.call(request);
    } catch (error) {
      if (running === run) running = null;
      if (place === asked) place = null;
      await asked.close();
      throw new CleanerLostError("the cleaner was lost with its run", { cause: error });
    }
  }

  return {
    async start(job) {
      assert(running === null, "one run at a time");
      const run = {};
      running = run;
      await call(run, { kind: "start", job });
      const end = async (kind: "end" | "giveUp"): Promise<CleaningAnswer> => {
        const answer = await call(run, { kind });
        running = null;
        return answer;
      };
      return {
        async map(bytes) {
          const answer = await call(run, { kind: "map", bytes });
          assert(answer.kind === "mapped" || isFailure(answer), "an answer to what was asked");
          return answer;
        },
        async rewrite(bytes) {
          const answer = await call(run, { kind: "rewrite", bytes });
          assert(answer.kind === "rewritten" || isFailure(answer), "an answer to what was asked");
          return answer;
        },
        async end() {
          const answer = await end("end");
          assert(answer.kind === "ended", "an answer to what was asked");
          return answer.summary;
        },
        async giveUp() {
          // A run that was lost is given up already.
          if (running === run && !isClosed) await end("giveUp");
        },
      };
    },
    async close() {
      isClosed = true;
      running = null;
      await place?.close();
    },
  };
}

const isFailure = (answer: CleaningAnswer): answer is CleaningFailure =>
  answer.kind === "corruptState" || answer.kind === "tooLarge";
