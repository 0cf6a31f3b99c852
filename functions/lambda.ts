import { handle } from "hono/aws-lambda";
import type { LambdaContext, LambdaEvent } from "hono/aws-lambda";
import type { Routes } from "./api-context.ts";
import { once } from "./once.ts";

export type LambdaHandler = (event: LambdaEvent, context?: LambdaContext) => Promise<unknown>;

/**
 * The API as a Lambda handler. `open` brings replica and app up, once per execution environment and not before its first request: an environment that
 * could not (the metadata log was away) tries again with the next one. The entry file of the deployment calls this with the adapters of the cloud.
 */
export function handlerFor(open: () => Promise<Routes>): LambdaHandler {
  const opened = once(async () => handle(await open()));
  return async (event, context) => (await opened())(event, context);
}
