import { MultipleErrors, NetworkError, ProtocolError, UserError } from "@platformatic/kafka";
import { expect, test } from "vitest";
import { MyelinError, toMyelinError } from "../../../sdk/src/errors.ts";

test("Kafka's error is found however deep the library hides it", () => {
  const protocol = new ProtocolError("NOT_LEADER_OR_FOLLOWER");
  const nested = new MultipleErrors("3 attempts failed", [
    new MultipleErrors("a broker failed", [new Error("other", { cause: protocol })]),
  ]);
  const found = toMyelinError(nested, "Sending failed");
  expect(found).toMatchObject({ code: "NOT_LEADER_OR_FOLLOWER", retriable: true, cause: nested });
  expect(found.message).toMatch(/^Sending failed: /);
});

test("an error that trying again does not help is not retriable", () => {
  const found = toMyelinError(new ProtocolError("TOPIC_AUTHORIZATION_FAILED"), "Sending failed");
  expect(found.retriable).toBe(false);
});

test("a connection that fails is NETWORK, also within several attempts", () => {
  const attempts = new MultipleErrors("metadata failed 2 times", [new NetworkError("refused")]);
  expect(toMyelinError(attempts, "Reading failed")).toMatchObject({
    code: "NETWORK",
    retriable: true,
  });
});

test("a topic the library does not find in metadata is UNKNOWN_TOPIC_OR_PARTITION", () => {
  const found = toMyelinError(new UserError("Unknown topic orders."), "Reading failed");
  expect(found).toMatchObject({
    code: "UNKNOWN_TOPIC_OR_PARTITION",
    message: "There is no topic orders",
  });
});

test("a MyelinError stays the one it is", () => {
  const error = new MyelinError("CLOSED", "closed");
  expect(toMyelinError(error, "again")).toBe(error);
});

test("a cycle of causes ends", () => {
  const error = new Error("round");
  (error as { cause: unknown }).cause = error;
  expect(toMyelinError(error, "Reading failed").code).toBe("UNKNOWN");
});
