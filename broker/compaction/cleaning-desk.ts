import { assert } from "../assert.ts";
import {
  createCleaning,
  endCleaning,
  mapBatches,
  rewriteBatches,
  type Cleaning,
} from "./cleaner.ts";
import type {
  CleaningFailure,
  CleaningJob,
  CleaningSummary,
  Mapped,
  Rewritten,
} from "./cleaning-job.ts";

/** What a cleaner is asked, wherever it runs. `bytes` change hands: whoever sent them must not look at them again. */
export type CleaningRequest =
  | { readonly kind: "start"; readonly job: CleaningJob }
  | { readonly kind: "map"; readonly bytes: Uint8Array }
  | { readonly kind: "rewrite"; readonly bytes: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "giveUp" };

export type CleaningAnswer =
  | { readonly kind: "started" }
  | Mapped
  | Rewritten
  | CleaningFailure
  | { readonly kind: "ended"; readonly summary: CleaningSummary }
  | { readonly kind: "givenUp" };

/** Answers the requests of one run after the other; the memory of a run goes with its end. */
export function createCleaningDesk(): (request: CleaningRequest) => CleaningAnswer {
  let cleaning: Cleaning | null = null;
  return (request) => {
    if (request.kind === "start") {
      assert(cleaning === null, "one run at a time");
      cleaning = createCleaning(request.job);
      return { kind: "started" };
    }
    assert(cleaning !== null, "a run has started");
    switch (request.kind) {
      case "map":
        return mapBatches(cleaning, request.bytes);
      case "rewrite":
        return rewriteBatches(cleaning, request.bytes);
      case "end": {
        const summary = endCleaning(cleaning);
        cleaning = null;
        return { kind: "ended", summary };
      }
      case "giveUp":
        cleaning = null;
        return { kind: "givenUp" };
    }
  };
}
