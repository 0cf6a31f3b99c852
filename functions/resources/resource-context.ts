import type { Command, Rejection } from "../../metadata/commands/command.ts";
import { rememberReply } from "../../metadata/commands/remember-reply.ts";
import { idempotencyKeyId } from "../../metadata/image/image.ts";
import type { Clock } from "../../ports/clock.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { ApiReplica } from "../api-context.ts";
import { hashOf, ResourceError } from "./resource-event.ts";

/** What the resources are made with. */
export type ResourceContext = {
  readonly replica: ApiReplica;
  readonly clock: Clock;
  /** Of the cluster with port offset 0. */
  readonly kafkaPort: number;
};

/** Fifty topics of one stack come at once, and every append is decided anew behind those that were faster. */
const maxTries = 4;
const pauseMs = 500;

/**
 * Makes a change that may be made twice without harm. "Unavailable" leaves open whether it was made, so it is simply made again. Throws MetadataLogError
 * when it still cannot be told.
 */
export async function submit<Result, Code extends string>(
  { replica, clock }: ResourceContext,
  command: Command<Result, Code>,
): Promise<{ readonly kind: "accepted"; readonly result: Result } | Rejection<Code>> {
  for (let tries = 1; ; tries++) {
    try {
      return await replica.submit(command);
    } catch (error) {
      const isWorthIt = error instanceof MetadataLogError && error.code === "unavailable";
      if (!isWorthIt || tries === maxTries) throw error;
      await new Promise<void>((resolve) => void clock.after(pauseMs * tries, resolve));
    }
  }
}

const scope = "cloudformation";

/** Whether `submitOnce` has made something for this request, which has come again. Reads the metadata log to its head. */
export async function wasMadeBy({ replica }: ResourceContext, requestId: string): Promise<boolean> {
  await replica.readToHead();
  return replica.image.idempotencyKeys.has(idempotencyKeyId(scope, requestId));
}

/** The same, made once for a request of CloudFormation: asked again, it gives the id that it gave the first time. */
export async function submitOnce<Result, Code extends string>(
  context: ResourceContext,
  request: {
    readonly id: string;
    readonly properties: unknown;
    readonly idOf: (result: Result) => string;
  },
  command: Command<Result, Code>,
): Promise<string> {
  const once = rememberReply(
    {
      scope,
      key: request.id,
      requestHash: hashOf(request.properties),
      reply: request.idOf,
    },
    command,
  );
  return orThrow(await submit(context, once)).reply;
}

/** Throws ResourceError with the rejection's words. */
export function orThrow<Result>(
  submitted: { readonly kind: "accepted"; readonly result: Result } | Rejection,
): Result {
  if (submitted.kind === "rejected") throw new ResourceError(submitted.message);
  return submitted.result;
}
