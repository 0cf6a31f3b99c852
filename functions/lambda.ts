import { handle } from "hono/aws-lambda";
import type { LambdaContext, LambdaEvent } from "hono/aws-lambda";
import type { Routes } from "./api-context.ts";

export type LambdaHandler = (event: LambdaEvent, context?: LambdaContext) => Promise<unknown>;

/**
 * The API as a Lambda handler. `open` brings replica and app up, once per execution environment and not before its first request: an environment that
 * could not (the metadata log was away) tries again with the next one. The entry file of the deployment calls this with the adapters of the cloud.
 */
export function handlerFor(open: () => Promise<Routes>): LambdaHandler {
  let opening: Promise<LambdaHandler> | null = null;
  return async (event, context) => {
    const opened = (opening ??= open().then((app) => handle(app)));
    let handler: LambdaHandler;
    try {
      handler = await opened;
    } catch (error) {
      opening = null;
      throw error;
    }
    return handler(event, context);
  };
}
