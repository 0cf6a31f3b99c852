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
  const found = search(error, kafkaError) ?? search(error, unknownServerError);
  const text = error instanceof Error ? error.message : String(error);
  const message = `${what}: ${found?.message ?? text}`;
  if (found !== null)
    return new MyelinError(found.code, message, { retriable: found.retriable, cause: error });
  const topic = search(error, unknownTopic);
  if (topic !== null)
    return new MyelinError("UNKNOWN_TOPIC_OR_PARTITION", `There is no topic ${topic}`, {
      cause: error,
    });
  const code = search(error, connectionError);
  if (code !== null) return new MyelinError(code, message, { retriable: true, cause: error });
  return new MyelinError("UNKNOWN", message, { cause: error });
}

const maxDepth = 6;

type LibraryError = {
  apiId?: unknown;
  canRetry?: unknown;
  code?: unknown;
  message?: unknown;
  serverErrorMessage?: unknown;
  errors?: unknown;
  cause?: unknown;
};

/** The library nests what happened in `errors` (of several attempts, of several brokers) and `cause`: this finds the first that matches. */
function search<Found>(
  error: unknown,
  match: (error: LibraryError) => Found | null,
  depth = 0,
): Found | null {
  if (depth > maxDepth || error === null || typeof error !== "object") return null;
  const each = error as LibraryError;
  const own = match(each);
  if (own !== null) return own;
  for (const inner of Array.isArray(each.errors) ? each.errors : []) {
    const found = search(inner, match, depth + 1);
    if (found !== null) return found;
  }
  return search(each.cause, match, depth + 1);
}

type KafkaError = { code: string; retriable: boolean; message: string };

function kafkaError(error: LibraryError): KafkaError | null {
  // The library reports what a broker says of single records as unknown errors beside the real one.
  return error.apiId === unknownCode ? null : unknownServerError(error);
}

const unknownCode = "UNKNOWN_SERVER_ERROR";

function unknownServerError(error: LibraryError): KafkaError | null {
  const { apiId, canRetry, serverErrorMessage, message } = error;
  if (typeof apiId !== "string") return null;
  const said = typeof serverErrorMessage === "string" ? serverErrorMessage : String(message);
  return { code: apiId, retriable: canRetry === true, message: said };
}

/** Metadata for a topic that does not exist fails without Kafka's error in it. */
function unknownTopic({ message }: LibraryError): string | null {
  return (
    (typeof message === "string" ? /^Unknown topic (\S+)\.$/.exec(message)?.[1] : null) ?? null
  );
}

function connectionError({ code }: LibraryError): "NETWORK" | "TIMEOUT" | null {
  if (code === "PLT_KFK_NETWORK") return "NETWORK";
  return code === "PLT_KFK_TIMEOUT" ? "TIMEOUT" : null;
}
