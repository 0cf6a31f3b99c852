import { MetadataLogError } from "../../ports/metadata-log.ts";
import { MetadataDecodeError } from "../records/field-types.ts";
import { unavailable } from "./unavailable.ts";

type GuardState = "following" | "stopped" | "closed";

/**
 * Turns at the image: one thing at a time touches it, in the order of the calls, at most `waitingLimit` wait. What cannot be understood ends all
 * of it for good: going on would mean deciding on a state that is not the cell's.
 */
export type Guard = {
  state(): GuardState;
  run<Result>(touch: () => Promise<Result>): Promise<Result>;
  /** Resolves when nothing touches the image any more. */
  close(): Promise<void>;
};

const waitingLimit = 1_000;

export function createGuard(onStopped: (reason: MetadataDecodeError) => void): Guard {
  let state: GuardState = "following";
  let stopReason: unknown;
  let last: Promise<unknown> = Promise.resolve();
  let waitingCount = 0;

  function assertFollowing(): void {
    if (state === "closed") throw new MetadataLogError("closed", "the metadata replica is closed");
    if (state === "stopped") {
      const message = "this process does not understand the metadata log and has stopped";
      throw unavailable(message, stopReason);
    }
  }

  async function touchImage<Result>(touch: () => Promise<Result>): Promise<Result> {
    assertFollowing();
    try {
      return await touch();
    } catch (error) {
      if (!(error instanceof MetadataDecodeError)) throw error;
      state = "stopped";
      stopReason = error;
      onStopped(error);
      return assertFollowing() as never;
    }
  }

  return {
    state: () => state,
    run(touch) {
      if (waitingCount >= waitingLimit) {
        return Promise.reject(
          unavailable(`${waitingLimit} reads and changes of metadata are waiting already`),
        );
      }
      waitingCount += 1;
      const turn = last.then(() => touchImage(touch));
      last = turn.then(
        () => (waitingCount -= 1),
        () => (waitingCount -= 1),
      );
      return turn;
    },
    async close() {
      if (state === "following") state = "closed";
      await last;
    },
  };
}
