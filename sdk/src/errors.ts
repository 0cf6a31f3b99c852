/**
 * The one error class of the SDK.
 *
 * `code` is Kafka's name of the error (`UNKNOWN_TOPIC_OR_PARTITION`, `TOPIC_ALREADY_EXISTS`) where there is one, else one of the SDK's own:
 * `NETWORK`, `TIMEOUT`, `CLOSED`, `ABORTED`, `INVALID_ARGUMENT`, `INVALID_VALUE`, `NOT_FOUND`, `HTTP_<status>`.
 */
export class MyelinError extends Error {
  readonly code: string;
  /** Trying the same again may succeed. */
  readonly retriable: boolean;
  /** The wrong fields of a refused request. */
  readonly fields: readonly { pointer: string; detail: string }[];

  constructor(
    code: string,
    message: string,
    options: {
      retriable?: boolean;
      cause?: unknown;
      fields?: readonly { pointer: string; detail: string }[];
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MyelinError";
    this.code = code;
    this.retriable = options.retriable ?? false;
    this.fields = options.fields ?? [];
  }
}

/** Turns whatever a library threw into a MyelinError, with Kafka's name of the error where one can be found in it. */
export function toMyelinError(error: unknown, what: string): MyelinError {
  if (error instanceof MyelinError) return error;
  const found = findKafkaError(error, 0);
  const message = `${what}: ${error instanceof Error ? error.message : String(error)}`;
  if (found !== null)
    return new MyelinError(found.code, message, { retriable: found.retriable, cause: error });
  const code = (error as { code?: unknown } | null)?.code;
  if (code === "PLT_KFK_NETWORK")
    return new MyelinError("NETWORK", message, { retriable: true, cause: error });
  if (code === "PLT_KFK_TIMEOUT")
    return new MyelinError("TIMEOUT", message, { retriable: true, cause: error });
  return new MyelinError("UNKNOWN", message, { cause: error });
}

const maxDepth = 6;

/** The library nests protocol errors (`apiId`) in `errors` and `cause`. */
function findKafkaError(
  error: unknown,
  depth: number,
): { code: string; retriable: boolean } | null {
  if (depth > maxDepth || error === null || typeof error !== "object") return null;
  const { apiId, canRetry, errors, cause } = error as {
    apiId?: unknown;
    canRetry?: unknown;
    errors?: unknown;
    cause?: unknown;
  };
  if (typeof apiId === "string") return { code: apiId, retriable: canRetry === true };
  for (const inner of Array.isArray(errors) ? errors : []) {
    const found = findKafkaError(inner, depth + 1);
    if (found !== null) return found;
  }
  return findKafkaError(cause, depth + 1);
}
