import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { ReassignmentErrorCode } from "../metadata/commands/alter-partition-reassignments.ts";
import type { BrokerErrorCode } from "../metadata/commands/broker-ref.ts";
import type { ClusterErrorCode } from "../metadata/commands/cluster-commands.ts";
import type { Command, CommandContext, Rejection } from "../metadata/commands/command.ts";
import type { EvacuationErrorCode } from "../metadata/commands/evacuate-broker.ts";
import { rememberReply } from "../metadata/commands/remember-reply.ts";
import type { IdempotencyErrorCode } from "../metadata/commands/remember-reply.ts";
import type { TopicErrorCode } from "../metadata/commands/topic-outcome.ts";
import type { ApiContext, ApiEnv } from "./api-context.ts";
import type { WrongField } from "./api-types.ts";
import { Problem } from "./problem.ts";
import type { ProblemKind } from "./problem.ts";
import { jsonPointer } from "./wrong-fields.ts";

export type ChangeErrorCode =
  | ClusterErrorCode
  | TopicErrorCode
  | BrokerErrorCode
  | EvacuationErrorCode
  | ReassignmentErrorCode
  | IdempotencyErrorCode
  | "CONFIRMATION_MISSING"
  | "CONFIRMATION_OUTDATED"
  | "RESOURCE_NOT_FOUND";

/** Where in the request's body the field of a rejection stands (`configs/retention.ms` -> configs, 2, value). */
export type FieldPath = (field: string) => readonly PropertyKey[];

/** Makes one change of the cell; a rejection becomes the problem that names its field. */
export async function change<Result, Code extends ChangeErrorCode>(
  api: ApiContext,
  command: Command<Result, Code>,
  fieldPath: FieldPath = (field) => field.split("/"),
): Promise<Result> {
  const submitted = await api.replica.submit(command);
  if (submitted.kind === "rejected") throw rejectionProblem(submitted, fieldPath);
  return submitted.result;
}

export type Reply<Body> = { status: number; body: Body; headers: Record<string, string> };

export type Once<Result, Body, Code extends ChangeErrorCode> = {
  /** The parsed body: with method and path, what makes two requests the same. */
  request: unknown;
  command: Command<Result, Code>;
  /** Pure, for it is stored with the change: `context.revision` is the one the change gets. */
  reply(result: Result, context: CommandContext): Reply<Body>;
  fieldPath?: FieldPath;
};

/**
 * A change behind POST. With an Idempotency-Key the reply is stored in the very entry of the change, so that a repeated request, to whichever process and
 * after whatever crash, gets the first reply and changes nothing.
 */
export async function changeOnce<Result, Body, Code extends ChangeErrorCode>(
  api: ApiContext,
  c: Context<ApiEnv>,
  once: Once<Result, Body, Code>,
): Promise<Reply<Body>> {
  const command: Command<Reply<Body>, Code> = (image, context) => {
    const decision = once.command(image, context);
    if (decision.kind === "rejected") return decision;
    return { ...decision, result: once.reply(decision.result, context) };
  };
  const key = c.req.header("idempotency-key");
  if (key === undefined) return change(api, command, once.fieldPath);
  const remembered = await change(
    api,
    rememberReply(
      { scope: "http", key, requestHash: requestHash(c, once.request), reply: JSON.stringify },
      command,
    ),
    once.fieldPath,
  );
  if (remembered.isReplayed) c.header("idempotency-replayed", "true");
  return JSON.parse(remembered.reply) as Reply<Body>;
}

function requestHash(c: Context<ApiEnv>, body: unknown): string {
  const request = JSON.stringify([c.req.method, c.req.path, sorted(body)]);
  return createHash("sha256").update(request).digest("base64url");
}

/** The same JSON whatever the order of names: a client that builds its body anew for a retry means the same request. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => [name, sorted(each)]);
}

/** Statuses and numbers as Confluent REST v3 gives them where it knows the error; it answers 400 even to a topic that exists. */
const problems: Record<ChangeErrorCode, { kind: ProblemKind; errorCode: number }> = {
  UNKNOWN_TOPIC_OR_PARTITION: { kind: "not-found", errorCode: 40403 },
  UNKNOWN_TOPIC_ID: { kind: "not-found", errorCode: 40403 },
  TOPIC_ALREADY_EXISTS: { kind: "refused", errorCode: 40002 },
  INVALID_TOPIC_EXCEPTION: { kind: "refused", errorCode: 40002 },
  INVALID_PARTITIONS: { kind: "refused", errorCode: 40002 },
  INVALID_REPLICATION_FACTOR: { kind: "refused", errorCode: 40002 },
  INVALID_REPLICA_ASSIGNMENT: { kind: "refused", errorCode: 40002 },
  INVALID_CONFIG: { kind: "refused", errorCode: 40002 },
  INVALID_REQUEST: { kind: "refused", errorCode: 40002 },
  POLICY_VIOLATION: { kind: "refused", errorCode: 40002 },
  BROKER_ID_NOT_REGISTERED: { kind: "not-found", errorCode: 404 },
  RESOURCE_NOT_FOUND: { kind: "not-found", errorCode: 404 },
  STALE_BROKER_EPOCH: { kind: "conflict", errorCode: 409 },
  UNSUPPORTED_VERSION: { kind: "conflict", errorCode: 409 },
  NO_REASSIGNMENT_IN_PROGRESS: { kind: "conflict", errorCode: 409 },
  CONFIRMATION_MISSING: { kind: "invalid-fields", errorCode: 422 },
  CONFIRMATION_OUTDATED: { kind: "conflict", errorCode: 409 },
  CLUSTER_NOT_FOUND: { kind: "not-found", errorCode: 404 },
  CLUSTER_ALREADY_EXISTS: { kind: "conflict", errorCode: 409 },
  CLUSTER_NOT_EMPTY: { kind: "conflict", errorCode: 409 },
  INVALID_CLUSTER_NAME: { kind: "refused", errorCode: 40002 },
  LIMIT_EXCEEDED: { kind: "conflict", errorCode: 409 },
  PRECONDITION_FAILED: { kind: "precondition-failed", errorCode: 412 },
  IDEMPOTENCY_KEY_REUSED: { kind: "idempotency-key-reused", errorCode: 422 },
  IDEMPOTENCY_KEY_INVALID: { kind: "malformed-request", errorCode: 400 },
};

function rejectionProblem(rejection: Rejection<ChangeErrorCode>, fieldPath: FieldPath): Problem {
  const { kind, errorCode } = problems[rejection.error];
  const errors = wrongFields(rejection, fieldPath);
  return new Problem(kind, rejection.message, {
    kafkaErrorCode: rejection.error,
    errorCode,
    ...(errors.length === 0 ? {} : { errors }),
  });
}

function wrongFields(rejection: Rejection<ChangeErrorCode>, fieldPath: FieldPath): WrongField[] {
  const detail = rejection.message;
  if (rejection.error.startsWith("IDEMPOTENCY_KEY")) {
    return [{ pointer: "#/Idempotency-Key", in: "header", detail }];
  }
  if (rejection.error === "PRECONDITION_FAILED") {
    return [{ pointer: "#/If-Match", in: "header", detail }];
  }
  // What is not found stands in the path, which the problem names as its instance.
  if (rejection.field === undefined || problems[rejection.error].kind === "not-found") return [];
  return [{ pointer: jsonPointer(fieldPath(rejection.field)), in: "body", detail }];
}
