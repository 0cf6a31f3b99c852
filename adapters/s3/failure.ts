/**
 * What a failed call tells us:
 *   unmet      a condition does not hold; nothing was done
 *   absent     there is no such object; nothing was done
 *   noUpload   there is no such multipart upload (any more): it was completed, or aborted
 *   beyond     the range begins where the object ends, or behind it
 *   later      nothing was done, and it may be later (contention, credentials that have run out, bytes damaged on the way)
 *   uncertain  nobody knows: it may have been done, or may still be (timed out, connection lost, 5xx)
 *   never      nothing was done, nor will be until somebody changes something (permissions, no such bucket)
 *
 * A 503 SlowDown is meant to have done nothing. Not believing it costs a HEAD when a condition is then unmet; believing it wrongly would tell a
 * writer that its put did not happen.
 */
export type Failure = Refusal | "later" | "uncertain" | "never";

/** Answers, rather than failures: what they say holds. */
export type Refusal = "unmet" | "absent" | "noUpload" | "beyond";

export const refusals: ReadonlySet<Failure> = new Set<Failure>([
  "unmet",
  "absent",
  "noUpload",
  "beyond",
]);

/** Refused with a 3xx or 4xx, and worth trying again. */
const errorsToTryLater = new Set([
  "BadDigest",
  "ConditionalRequestConflict",
  "ExpiredToken",
  "IncompleteBody",
  "OperationAborted",
  "RequestTimeTooSkewed",
  "RequestTimeout",
  "TemporaryRedirect",
  "TooManyRequests",
  "XAmzContentChecksumMismatch",
]);

export function failureOf(error: unknown): Failure {
  const status = statusOf(error);
  if (!(error instanceof Error) || status === null || status >= 500 || status < 300) {
    return "uncertain";
  }
  // KMS throttles under names of its own.
  if (errorsToTryLater.has(error.name) || error.name.includes("Throttl")) return "later";
  switch (status) {
    case 404:
      if (error.name === "NoSuchUpload") return "noUpload";
      return error.name === "NoSuchBucket" ? "never" : "absent";
    case 409:
    case 429:
      return "later";
    case 412:
      return "unmet";
    case 416:
      return "beyond";
    default:
      return "never";
  }
}

function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !("$metadata" in error)) return null;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null) return null;
  const status = "httpStatusCode" in metadata ? metadata.httpStatusCode : undefined;
  return typeof status === "number" ? status : null;
}

/** In words. S3 answers a HEAD without a body, so without an error code of its own: the status has to do. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const status = statusOf(error);
  if (status !== 403) return `${error.name}: ${error.message}`;
  const hint = "without s3:ListBucket also what does not exist is forbidden";
  return `403 ${error.name}: ${error.message} (${hint})`;
}
