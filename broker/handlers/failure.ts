import type { ErrorName } from "../../protocol/errors.ts";
import { errorCodes } from "../../protocol/errors.ts";
import type { Failure } from "../failure.ts";

/** Whom the request asked: a partition's leader, a coordinator of groups or transactions, or the cell's metadata. */
export type Asked = "partition" | "coordinator" | "metadata";

const fenced: Record<Asked, ErrorName> = {
  partition: "NOT_LEADER_OR_FOLLOWER",
  coordinator: "NOT_COORDINATOR",
  metadata: "NOT_CONTROLLER",
};

const unavailable: Record<Asked, ErrorName> = {
  partition: "KAFKA_STORAGE_ERROR",
  coordinator: "COORDINATOR_NOT_AVAILABLE",
  metadata: "REQUEST_TIMED_OUT",
};

/** The Kafka error a client is told. All but `rejected` and `corruptInput` are ones that clients retry after asking for metadata anew. */
export function toErrorName(failure: Failure, asked: Asked): ErrorName {
  switch (failure.kind) {
    case "rejected":
      return failure.error;
    case "fenced":
      return fenced[asked];
    case "unavailable":
    case "corruptState":
      return unavailable[asked];
    case "corruptInput":
      return "CORRUPT_MESSAGE";
  }
}

export function toErrorCode(failure: Failure, asked: Asked): number {
  return errorCodes[toErrorName(failure, asked)];
}
