import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import type { Item } from "./table.ts";

/**
 * What a failed call tells us:
 *   unmet      a condition does not hold; nothing was done. `stored`: what is there, per action, where the call asked for it
 *   later      nothing was done, and it may be later (throttled, in another transaction's way)
 *   uncertain  nobody knows: it may have been done, or may still be (timed out, connection lost, 5xx)
 *   never      nothing was done, nor will be until somebody changes something (permissions, no such table)
 */
export type Failure =
  | { readonly kind: "unmet"; readonly stored: readonly (Item | undefined)[] }
  | { readonly kind: "later" | "uncertain" | "never" };

/** Of a transaction that met no unmet condition, only something in its way. */
const reasonsToTryLater = new Set([
  "None",
  "TransactionConflict",
  "ThrottlingError",
  "ProvisionedThroughputExceeded",
]);

/** Refused with a 4xx, and worth trying again: throttling, contention, and what new credentials or a corrected clock cure. */
const errorsToTryLater = new Set([
  "ExpiredTokenException",
  "InvalidSignatureException",
  "ProvisionedThroughputExceededException",
  "ReplicatedWriteConflictException",
  "RequestLimitExceeded",
  "Throttling",
  "ThrottlingException",
  "TransactionConflictException",
  "TransactionInProgressException",
]);

/**
 * The token of a request has come with other parameters. Tokens are 128 random bits and a request is repeated as it was, so this cannot be; if it
 * is all the same, what the table holds decides.
 */
const tokenOfAnotherRequest = "IdempotentParameterMismatchException";

export function failureOf(error: unknown): Failure {
  if (error instanceof ConditionalCheckFailedException) {
    return { kind: "unmet", stored: [error.Item] };
  }
  if (error instanceof TransactionCanceledException) return cancellation(error);
  if (!(error instanceof Error)) return { kind: "uncertain" };
  if (errorsToTryLater.has(error.name)) return { kind: "later" };
  const status = statusOf(error);
  const isRefused = status !== null && status >= 400 && status < 500;
  return { kind: isRefused && error.name !== tokenOfAnotherRequest ? "never" : "uncertain" };
}

function cancellation(error: TransactionCanceledException): Failure {
  const reasons = error.CancellationReasons ?? [];
  if (reasons.some(({ Code }) => Code === "ConditionalCheckFailed")) {
    return { kind: "unmet", stored: reasons.map(({ Item }) => Item) };
  }
  const mayPass = reasons.every(({ Code }) => Code !== undefined && reasonsToTryLater.has(Code));
  return { kind: mayPass ? "later" : "never" };
}

function statusOf(error: Error): number | null {
  if (!("$metadata" in error)) return null;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null) return null;
  const status = "httpStatusCode" in metadata ? metadata.httpStatusCode : undefined;
  return typeof status === "number" ? status : null;
}
