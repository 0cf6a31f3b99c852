import type { WrongField } from "./api-types.ts";

/** One row per kind of refusal: its status, its title, and what to do about it, as GET /docs/problems/{slug} shows it. */
export const problemKinds = {
  "malformed-request": {
    status: 400,
    title: "The request could not be read",
    about:
      "The body is not JSON, or a parameter in the path, the query or a header is not what the reference says. Send it as the reference shows it.",
  },
  "invalid-fields": {
    status: 422,
    title: "Some fields are wrong",
    about:
      "The body is JSON, but not of the shape the reference shows. `errors` names each wrong field by a JSON pointer and says what it must be.",
  },
  refused: {
    status: 400,
    title: "The request was refused",
    about:
      "The request is well formed, but asks for something that is not possible; `detail` says why and names the limit, `kafka_error_code` is Kafka's name for it.",
  },
  "not-found": {
    status: 404,
    title: "There is nothing here",
    about: "Nothing has this path, name or id. Ids are compared exactly, case included.",
  },
  "method-not-allowed": {
    status: 405,
    title: "This method is not supported here",
    about: "The path exists with other methods: the Allow header lists them.",
  },
  conflict: {
    status: 409,
    title: "In conflict with what is there",
    about:
      "The change does not fit the present state: a name is taken, a cluster still has topics, or a limit of the cell is reached.",
  },
  "precondition-failed": {
    status: 412,
    title: "Changed in the meantime",
    about:
      "If-Match named an ETag that is no longer the resource's: someone changed it. Read it again and decide anew.",
  },
  "body-too-large": {
    status: 413,
    title: "The body is too large",
    about: "`detail` names the limit.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "The body must be JSON",
    about: "Send Content-Type: application/json.",
  },
  "ask-a-broker": {
    status: 421,
    title: "This lives in the brokers",
    about:
      "Records, consumer groups, lags and metrics are the brokers' and are served at the cluster's http_endpoint, which `http_endpoint` names.",
  },
  "too-many-streams": {
    status: 503,
    title: "Too many clients follow events",
    about:
      "This process keeps only so many event streams open; `detail` names the limit. Ask for JSON instead, or again after Retry-After.",
  },
  "idempotency-key-reused": {
    status: 422,
    title: "The Idempotency-Key belongs to another request",
    about:
      "The same key was sent with another method, path or body within its retention. Use a fresh key for each new request.",
  },
  internal: {
    status: 500,
    title: "Something is broken on our side",
    about: "Report it with the request id; the log has the cause under the same id.",
  },
  unavailable: {
    status: 503,
    title: "Not available right now",
    about:
      "The metadata log is out of reach or this process may not write to it. Retry-After says when to try again. Whether a change was made is open: with an Idempotency-Key the retry makes it once.",
  },
} as const satisfies Record<string, { status: number; title: string; about: string }>;

export type ProblemKind = keyof typeof problemKinds;

export type ProblemOptions = {
  errors?: WrongField[];
  /** Kafka's name of the error, or ours where Kafka has none. */
  kafkaErrorCode?: string;
  /** Confluent's number; the status itself when absent. */
  errorCode?: number;
  retryAfterSeconds?: number;
  httpEndpoint?: string;
  headers?: Record<string, string>;
  cause?: unknown;
};

/** A refusal on its way to the one onError; see reply-problem.ts. */
export class Problem extends Error {
  readonly kind: ProblemKind;
  readonly options: ProblemOptions;
  constructor(kind: ProblemKind, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = "Problem";
    this.kind = kind;
    this.options = options;
  }
}
