import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { MetadataDecodeError } from "../metadata/records/field-types.ts";
import { MetadataLogError } from "../ports/metadata-log.ts";
import type { ApiEnv, Log } from "./api-context.ts";
import type { ProblemDetails } from "./api-types.ts";
import { Problem, problemKinds } from "./problem.ts";

/** Everything that goes wrong in a request ends here: the app's one onError. */
export function problemReply(log: Log): (error: Error, c: Context<ApiEnv>) => Response {
  return (error, c) => {
    const problem = toProblem(error);
    if (problem.kind === "internal" || problem.kind === "unavailable") {
      const level = problem.kind === "internal" ? "error" : "warn";
      log[level](problem.message, {
        requestId: c.get("requestId"),
        method: c.req.method,
        path: c.req.path,
        error: chain(error),
      });
    }
    return reply(problem, c);
  };
}

/** Also for middleware that refuses without throwing. */
export function reply(problem: Problem, c: Context<ApiEnv>): Response {
  const { status, title } = problemKinds[problem.kind];
  const { options } = problem;
  const body: ProblemDetails = {
    type: `/docs/problems/${problem.kind}`,
    title,
    status,
    detail: problem.message,
    instance: new URL(c.req.url).pathname,
    request_id: c.get("requestId"),
    ...(options.errors === undefined ? {} : { errors: options.errors }),
    ...(options.kafkaErrorCode === undefined ? {} : { kafka_error_code: options.kafkaErrorCode }),
    ...(options.httpEndpoint === undefined ? {} : { http_endpoint: options.httpEndpoint }),
  };
  if (c.req.path.startsWith("/kafka/v3")) {
    body.error_code = options.errorCode ?? status;
    body.message = problem.message;
  }
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    ...options.headers,
  };
  if (options.retryAfterSeconds !== undefined) {
    headers["retry-after"] = String(options.retryAfterSeconds);
  }
  return c.body(JSON.stringify(body), status, headers);
}

function toProblem(error: Error): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof HTTPException) return fromFramework(error);
  if (error instanceof MetadataLogError) return metadataLogProblem(error);
  return new Problem("internal", "an unexpected error; the log has it under this request_id", {
    cause: error,
  });
}

/** What Hono and its validators throw themselves: a body that is not JSON, or of another media type. */
function fromFramework(error: HTTPException): Problem {
  if (error.status === 415) {
    return new Problem(
      "unsupported-media-type",
      "the Content-Type of the body must be application/json",
      { cause: error },
    );
  }
  const detail = "the body is not JSON";
  return new Problem("malformed-request", detail, {
    errors: [{ pointer: "#", in: "body", detail }],
    cause: error,
  });
}

function metadataLogProblem(error: MetadataLogError): Problem {
  switch (error.code) {
    case "unavailable":
    case "closed": {
      // A process that has stopped (it is older than what it read, architecture 3.2) stays so until it is replaced.
      const isStopped = error.cause instanceof MetadataDecodeError;
      return new Problem("unavailable", error.message, {
        kafkaErrorCode: isStopped ? "UNSUPPORTED_VERSION" : "REQUEST_TIMED_OUT",
        errorCode: 50003,
        retryAfterSeconds: isStopped ? 30 : 1,
        cause: error,
      });
    }
    case "tooLarge":
      return new Problem("refused", error.message, {
        kafkaErrorCode: "POLICY_VIOLATION",
        errorCode: 40002,
        cause: error,
      });
  }
}

function chain(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined || depth > 4 ? "" : `; ${chain(error.cause, depth + 1)}`;
  return `${error.stack ?? error.message}${cause}`;
}
