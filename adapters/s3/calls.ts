import type { S3Client } from "@aws-sdk/client-s3";
import type { Clock } from "../../ports/clock.ts";
import { ObjectStoreError } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import { failureOf, reasonOf, refusals } from "./failure.ts";
import type { Refusal } from "./failure.ts";

/** What is used of the SDK's client. It should not retry by itself (client.ts): retries are here, in the cell's time and randomness. */
export type S3 = Pick<S3Client, "send">;

export type Attempt = {
  readonly abortSignal: AbortSignal;
  /** So many bytes are on their way, which was not known before: gives the attempt the time for them. */
  expect(sizeBytes: number): void;
};

type Call<Output> = (client: S3, attempt: Attempt) => Promise<Output>;

/** `wasUncertain`: an attempt before the one that was answered may have taken effect, or may still. */
export type Answer<Output> = { readonly wasUncertain: boolean } & (
  | { readonly kind: "done"; readonly output: Output }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly cause: unknown }
  | { readonly kind: "failed"; readonly error: ObjectStoreError }
);

export type Calls = {
  /** `sizeBytes`: how much the call sends. */
  run<Output>(call: Call<Output>, sizeBytes?: number): Promise<Answer<Output>>;
  /** For calls that are not refused. Throws `unavailable`. */
  complete<Output>(call: Call<Output>, sizeBytes?: number): Promise<Output>;
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
};

/** How long a call is tried before it is `unavailable`, beside the time for its bytes; no attempt is begun that would not have its time. */
const callLimitMs = 10_000;
/** How long the first attempt may take, beside the time for its bytes; each that is uncertain doubles it. */
const firstAttemptMs = 2_000;
/** A connection that is slower than 4 MB/s is given up. */
const slowestBytesPerMs = 4_000;
const firstDelayMs = 50;
const maxDelayMs = 2_000;

export function createCalls({
  client,
  clock,
  random,
}: {
  client: S3;
  clock: Clock;
  random: Random;
}): Calls {
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => void clock.after(ms, resolve));

  /** Full jitter: writers that were in each other's way must not meet again. */
  function delayMs(failureCount: number): number {
    return random.float() * Math.min(maxDelayMs, firstDelayMs * 2 ** failureCount);
  }

  async function run<Output>(call: Call<Output>, sizeBytes = 0): Promise<Answer<Output>> {
    const beganMs = clock.monotonicMs();
    let receivedBytes = 0;
    const expect = (bytes: number): void => {
      receivedBytes = Math.max(receivedBytes, bytes);
    };
    let wasUncertain = false;
    let attemptMs = firstAttemptMs + transferMs(sizeBytes);
    for (let failureCount = 0; ; failureCount++) {
      const leftMs = (): number =>
        beganMs + callLimitMs + 2 * transferMs(sizeBytes + receivedBytes) - clock.monotonicMs();
      let error: unknown;
      try {
        const output = await attempt(client, call, {
          clock,
          limitMs: Math.min(attemptMs, leftMs()),
          expect,
        });
        return { kind: "done", output, wasUncertain };
      } catch (caught) {
        error = caught;
      }
      const failure = failureOf(error);
      if (isRefusal(failure)) {
        return { kind: "refused", refusal: failure, cause: error, wasUncertain };
      }
      if (failure === "uncertain") {
        wasUncertain = true;
        attemptMs *= 2;
      }
      const waitMs = delayMs(failureCount);
      const neededMs = waitMs + firstAttemptMs + transferMs(sizeBytes + receivedBytes);
      if (failure === "never" || neededMs > leftMs()) {
        return { kind: "failed", error: unavailable(error), wasUncertain };
      }
      await wait(waitMs);
    }
  }

  return {
    run,
    async complete(call, sizeBytes) {
      const answer = await run(call, sizeBytes);
      switch (answer.kind) {
        case "done":
          return answer.output;
        case "failed":
          throw answer.error;
        case "refused":
          throw unavailable(answer.cause);
      }
    },
    pause: () => wait(0),
  };
}

type AttemptLimits = { clock: Clock; limitMs: number; expect: (sizeBytes: number) => void };

function attempt<Output>(
  client: S3,
  call: Call<Output>,
  { clock, limitMs, expect }: AttemptLimits,
): Promise<Output> {
  const abort = new AbortController();
  return new Promise((resolve, reject) => {
    const beganMs = clock.monotonicMs();
    let dueMs = beganMs + limitMs;
    // Not by the signal alone: the SDK may hang where it does not look at it (fetching credentials).
    const expire = (): void => {
      reject(new Error(`no answer in ${Math.round(dueMs - beganMs)} ms`));
      abort.abort();
    };
    let cancel = clock.after(limitMs, expire);
    const current: Attempt = {
      abortSignal: abort.signal,
      expect(sizeBytes) {
        if (abort.signal.aborted) return;
        expect(sizeBytes);
        cancel();
        dueMs += transferMs(sizeBytes);
        cancel = clock.after(dueMs - clock.monotonicMs(), expire);
      },
    };
    call(client, current)
      .then(resolve, reject)
      .finally(() => cancel());
  });
}

function isRefusal(failure: ReturnType<typeof failureOf>): failure is Refusal {
  return refusals.has(failure);
}

function transferMs(sizeBytes: number): number {
  return sizeBytes / slowestBytesPerMs;
}

export function unavailable(cause: unknown): ObjectStoreError {
  return new ObjectStoreError("unavailable", `the object store in S3: ${reasonOf(cause)}`, {
    cause,
  });
}
