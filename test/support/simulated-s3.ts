import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { S3 } from "../../adapters/s3/calls.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { createSimulatedBucket, s3Error } from "./simulated-s3-bucket.ts";
import type { SimulatedBucket } from "./simulated-s3-bucket.ts";

/** Each with the probability that a call meets it. */
export type S3Faults = {
  /** Refused for its rate (503 SlowDown); nothing was done. */
  throttled?: number;
  /** Another call on the key was in its way (409); nothing was done. */
  conflicted?: number;
  /** Never arrives: the connection breaks, or no answer comes. */
  lost?: number;
  /** Is carried out, and the answer is lost. */
  answerLost?: number;
  /** Is carried out seconds later, when the caller has long given up waiting. */
  late?: number;
  /** Is carried out twice; the caller hears what the second time said. */
  twice?: number;
  /** A 500, which may or may not have done it. */
  failed?: number;
  /** The body of an answer ends in its midst, or stops coming. */
  truncated?: number;
  /** Nothing of all this happens to the end of an upload, so that it can be seen that none is forgotten. */
  sparesAborts?: boolean;
};

export type S3Mishap =
  | { kind: "error"; error: Error }
  /** As `lost`, `answerLost` and `truncated` above; `isSilent` leaves the caller waiting. */
  | { kind: "lost" | "answerLost" | "truncated"; isSilent: boolean }
  | { kind: "late"; delayMs: number }
  | { kind: "twice" };

export type SimulatedS3 = {
  readonly bucket: SimulatedBucket;
  /** A client as of another process. */
  client(faults?: S3Faults): S3;
  /** Calls by the name of the command, as they were sent. */
  readonly sent: Map<string, number>;
  /** What becomes of the next calls, before any faults are drawn: null lets one pass. */
  readonly script: (S3Mishap | null)[];
  /** What the last call to arrive had asked for. */
  readonly lastInput: { value: Record<string, unknown> };
};

export type SimulatedS3Options = {
  clock: Clock;
  random: Random;
  /** Each way takes up to so long. */
  latencyMs?: number;
  bucketName?: string;
  /** Keys on a page, at most. */
  maxListed?: number;
};

export function createSimulatedS3(options: SimulatedS3Options): SimulatedS3 {
  const { clock, random, latencyMs = 0, bucketName = "objects", maxListed = 1_000 } = options;
  const bucket = createSimulatedBucket({ name: bucketName, maxListed });
  const sent = new Map<string, number>();
  const script: (S3Mishap | null)[] = [];
  const lastInput = { value: {} };
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => void clock.after(ms, resolve));
  const travel = (): Promise<void> => wait(random.float() * latencyMs);

  async function answer(command: Command, mishap: S3Mishap | null): Promise<object> {
    const body = await received(command.input["Body"]);
    await travel();
    const carryOut = (): (() => object) => attempt(() => bucket.execute(command, body));
    switch (mishap?.kind) {
      case undefined:
        break;
      case "error":
        throw mishap.error;
      case "lost":
        return mishap.isSilent ? forever() : connectionLost();
      case "answerLost":
        carryOut();
        return mishap.isSilent ? forever() : connectionLost();
      case "truncated":
        return cut(carryOut()(), mishap.isSilent);
      case "late":
        await wait(mishap.delayMs);
        break;
      case "twice":
        carryOut();
        break;
    }
    const output = carryOut();
    await travel();
    return output();
  }

  function client(faults: S3Faults = {}): S3 {
    const send = (
      command: Command,
      { abortSignal }: { abortSignal?: AbortSignal } = {},
    ): Promise<object> => {
      const name = command.constructor.name.replace("Command", "");
      sent.set(name, (sent.get(name) ?? 0) + 1);
      lastInput.value = command.input;
      const scripted = script.shift();
      const mishap = scripted === undefined ? drawMishap(command, faults, random) : scripted;
      return new Promise((resolve, reject) => {
        abortSignal?.addEventListener("abort", () => reject(aborted()));
        answer(command, mishap).then(resolve, reject);
      });
    };
    return { send: send as unknown as S3["send"] };
  }

  return { bucket, client, sent, script, lastInput };
}

type Command = { input: Record<string, unknown> };

function drawMishap(command: Command, faults: S3Faults, random: Random): S3Mishap | null {
  const happens = (probability = 0): boolean => random.float() < probability;
  const isSilent = random.float() < 0.5;
  if (faults.sparesAborts === true && command instanceof AbortMultipartUploadCommand) return null;
  if (happens(faults.throttled)) return { kind: "error", error: s3Error("SlowDown", 503) };
  const isPut =
    command instanceof PutObjectCommand || command instanceof CompleteMultipartUploadCommand;
  if (isPut && happens(faults.conflicted)) {
    return { kind: "error", error: s3Error("ConditionalRequestConflict", 409) };
  }
  if (happens(faults.lost)) return { kind: "lost", isSilent };
  if (happens(faults.answerLost)) return { kind: "answerLost", isSilent };
  if (happens(faults.late)) return { kind: "late", delayMs: 500 + random.float() * 15_000 };
  if (happens(faults.twice)) return { kind: "twice" };
  if (happens(faults.failed)) {
    if (isSilent) return { kind: "answerLost", isSilent: false };
    return { kind: "error", error: s3Error("InternalError", 500) };
  }
  if (command instanceof GetObjectCommand && happens(faults.truncated)) {
    return { kind: "truncated", isSilent };
  }
  return null;
}

/** The bytes as they were when they were sent. */
async function received(body: unknown): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body.slice();
  if (!(body instanceof Readable)) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk.slice());
  return Uint8Array.from(Buffer.concat(chunks));
}

/** An answer whose body stops in its midst: it ends too early, or nothing more comes. */
function cut(output: object, isSilent: boolean): object {
  const { Body: whole } = output as { Body: AsyncIterable<Uint8Array> };
  async function* half(): AsyncGenerator<Uint8Array> {
    for await (const chunk of whole) {
      yield chunk.subarray(0, Math.ceil(chunk.byteLength / 2));
      break;
    }
    if (isSilent) await forever();
  }
  return { ...output, Body: Readable.from(half()) };
}

/** What a call came to, to be heard later. */
function attempt<Output>(run: () => Output): () => Output {
  try {
    const output = run();
    return () => output;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}

function connectionLost(): never {
  throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}

function aborted(): Error {
  return Object.assign(new Error("Request aborted"), { name: "AbortError" });
}
