import type { Context, MiddlewareHandler } from "hono";
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
  return async (c, next) => {
    const { body, headers, method } = c.req.raw;
    if (body === null || method === "GET" || method === "HEAD") return next();
    const length = headers.get("content-length");
    if (length !== null && !headers.has("transfer-encoding")) {
      if (Number(length) > maxBodyBytes) throw bodyTooLarge();
      return next();
    }
    const bytes = await readBounded(body);
    // Built from its parts: the Node server's Request is not one that the platform's constructor copies.
    c.req.raw = new Request(c.req.url, {
      method,
      headers,
      ...(bytes.byteLength === 0 ? {} : { body: bytes }),
    });
    return next();
  };
}

async function readBounded(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) throw bodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function bodyTooLarge(): Problem {
  return new Problem(
    "body-too-large",
    `the body is larger than ${maxBodyBytes} bytes, the limit for a request`,
  );
}
