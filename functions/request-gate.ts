import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import type { ApiEnv, Log } from "./api-context.ts";
import { Problem } from "./problem.ts";

export const maxBodyBytes = 1024 * 1024;

export type GateOptions = { clock: Clock; random: Random; log: Log };

/** Gives every request its id, answers with it, and logs one line when it is done. */
export function requestGate(options: GateOptions): MiddlewareHandler<ApiEnv> {
  const { clock, random, log } = options;
  return async (c, next) => {
    const requestId = givenId(c) ?? Buffer.from(random.bytes(12)).toString("base64url");
    c.set("requestId", requestId);
    const startedMs = clock.monotonicMs();
    await next();
    c.header("x-request-id", requestId);
    c.header("x-content-type-options", "nosniff");
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
    log.debug("request", {
      requestId,
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      durationMs: clock.monotonicMs() - startedMs,
    });
  };
}

/** The caller's own id if it is fit for a header and a log line. */
function givenId(c: Context): string | null {
  const given = c.req.header("x-request-id");
  return given !== undefined && /^[\x21-\x7e]{1,128}$/.test(given) ? given : null;
}

/** Refuses a body over the limit before anything reads it; one of unknown length is cut off on the way. */
export function boundedBody(): MiddlewareHandler<ApiEnv> {
  return bodyLimit({
    maxSize: maxBodyBytes,
    onError() {
      throw new Problem(
        "body-too-large",
        `the body is larger than ${maxBodyBytes} bytes, the limit for a request`,
      );
    },
  });
}
