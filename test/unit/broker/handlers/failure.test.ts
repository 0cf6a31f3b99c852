import { expect, test } from "vitest";
import type { Failure } from "../../../../broker/failure.ts";
import { type Asked, toErrorCode, toErrorName } from "../../../../broker/handlers/failure.ts";
import { isRetriable } from "../../../../protocol/errors.ts";

const message = null;

test.each<[Failure, Asked, string]>([
  [
    { kind: "rejected", error: "INVALID_TOPIC_EXCEPTION", message },
    "metadata",
    "INVALID_TOPIC_EXCEPTION",
  ],
  [{ kind: "fenced", message }, "partition", "NOT_LEADER_OR_FOLLOWER"],
  [{ kind: "fenced", message }, "coordinator", "NOT_COORDINATOR"],
  [{ kind: "unavailable", message }, "partition", "KAFKA_STORAGE_ERROR"],
  [{ kind: "unavailable", message }, "coordinator", "COORDINATOR_NOT_AVAILABLE"],
  [{ kind: "unavailable", message }, "metadata", "REQUEST_TIMED_OUT"],
  [{ kind: "corruptInput", message }, "partition", "CORRUPT_MESSAGE"],
  [{ kind: "corruptState", message }, "partition", "KAFKA_STORAGE_ERROR"],
])("%o of a %s is %s", (failure, asked, name) => {
  expect(toErrorName(failure, asked)).toBe(name);
});

test("what may pass by itself is an error that clients retry", () => {
  for (const kind of ["fenced", "unavailable", "corruptState"] as const) {
    for (const asked of ["partition", "coordinator", "metadata"] as const) {
      expect(isRetriable(toErrorName({ kind, message }, asked)), `${kind} ${asked}`).toBe(true);
    }
  }
});

test("codes are Kafka's", () => {
  expect(toErrorCode({ kind: "fenced", message }, "partition")).toBe(6);
});
