import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Clock } from "../../ports/clock.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { Random } from "../../ports/random.ts";
import { failureOf } from "./failure.ts";
import type { Item } from "./table.ts";

/** What is used of the SDK's client. It should not retry by itself (client.ts): retries are here, in the cell's time and randomness. */
export type DynamoClient = Pick<DynamoDBClient, "send">;

type Call<Output> = (
  client: DynamoClient,
  options: { abortSignal: AbortSignal },
) => Promise<Output>;

/** `wasUncertain`: an attempt before the one that was answered may have taken effect, or may still. */
export type Answer<Output> =
  | { readonly kind: "done"; readonly output: Output }
  | {
      readonly kind: "unmet";
      readonly stored: readonly (Item | undefined)[];
      readonly wasUncertain: boolean;
    }
  | {
      readonly kind: "failed";
      readonly error: MetadataLogError;
      readonly wasUncertain: boolean;
    };

export type Calls = {
  run<Output>(call: Call<Output>): Promise<Answer<Output>>;
  /** For calls that have no condition. Throws `unavailable`. */
  complete<Output>(call: Call<Output>): Promise<Output>;
};

/** How long a call is tried before it is `unavailable`; no attempt is begun that would not have its time. */
const callLimitMs = 6_000;
/** How long the first attempt may take; each that times out doubles it, for a machine too slow for a large page. */
const firstAttemptMs = 1_000;
const firstDelayMs = 25;
const maxDelayMs = 800;

export function createCalls({
  client,
  clock,
  random,
}: {
  client: DynamoClient;
  clock: Clock;
  random: Random;
}): Calls {
  function attempt<Output>(call: Call<Output>, limitMs: number): Promise<Output> {
    const abort = new AbortController();
    return new Promise((resolve, reject) => {
      // Not by the signal alone: the SDK may hang where it does not look at it (fetching credentials).
      const cancel = clock.after(limitMs, () => {
        abort.abort();
        reject(new Error(`no answer in ${Math.round(limitMs)} ms`));
      });
      call(client, { abortSignal: abort.signal }).then(resolve, reject).finally(cancel);
    });
  }

  /** Full jitter: writers that were in each other's way must not meet again. */
  function delayMs(failureCount: number): number {
    return random.float() * Math.min(maxDelayMs, firstDelayMs * 2 ** failureCount);
  }

  async function run<Output>(call: Call<Output>): Promise<Answer<Output>> {
    const deadlineMs = clock.monotonicMs() + callLimitMs;
    let wasUncertain = false;
    let attemptMs = firstAttemptMs;
    for (let failureCount = 0; ; failureCount++) {
      let error: unknown;
      try {
        const leftMs = deadlineMs - clock.monotonicMs();
        return { kind: "done", output: await attempt(call, Math.min(attemptMs, leftMs)) };
      } catch (caught) {
        error = caught;
      }
      const failure = failureOf(error);
      if (failure.kind === "unmet") return { ...failure, wasUncertain };
      if (failure.kind === "uncertain") {
        wasUncertain = true;
        attemptMs *= 2;
      }
      const waitMs = delayMs(failureCount);
      const isTimeUp = clock.monotonicMs() + waitMs + firstAttemptMs > deadlineMs;
      if (failure.kind === "never" || isTimeUp) {
        return { kind: "failed", error: unavailable(error), wasUncertain };
      }
      await new Promise<void>((resolve) => void clock.after(waitMs, resolve));
    }
  }

  return {
    run,
    async complete(call) {
      const answer = await run(call);
      switch (answer.kind) {
        case "done":
          return answer.output;
        case "failed":
          throw answer.error;
        case "unmet":
          throw unavailable(new Error("a condition where none was set"));
      }
    },
  };
}

export function unavailable(cause: unknown): MetadataLogError {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new MetadataLogError("unavailable", `the metadata log in DynamoDB: ${reason}`, { cause });
}
