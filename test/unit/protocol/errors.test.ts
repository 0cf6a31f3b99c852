import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  errorCodes,
  errorMessage,
  errorNameOf,
  errorNames,
  isRetriable,
} from "../../../protocol/errors.ts";
import { hasKafkaJson, kafkaJsonFolder, noKafkaJsonReason } from "./messages/kafka-json.ts";

test("a name gives its code and a code its name", () => {
  expect(errorCodes.NOT_LEADER_OR_FOLLOWER).toBe(6);
  expect(errorNames.every((name) => errorNameOf(errorCodes[name]) === name)).toBe(true);
});

test("a code nobody knows is an unknown server error", () => {
  expect(errorNameOf(32_000)).toBe("UNKNOWN_SERVER_ERROR");
});

test("every error says something of its own", () => {
  const messages = errorNames.map(errorMessage);
  expect(new Set(messages).size).toBe(errorNames.length);
  expect(messages.filter((message) => !/^[A-Za-z].+\.$/.test(message))).toEqual([]);
});

if (!hasKafkaJson) console.log(noKafkaJsonReason);

test.skipIf(!hasKafkaJson)("names, codes and what may be retried are Kafka's", () => {
  const text = readFileSync(new URL("errors.json", kafkaJsonFolder), "utf8");
  const kafka = JSON.parse(text) as { code: number; name: string; retriable: boolean }[];
  const ours = errorNames
    .filter((name) => name !== "NONE")
    .map((name) => ({ code: errorCodes[name], name, retriable: isRetriable(name) }));
  expect(ours.sort((a, b) => a.code - b.code)).toEqual(
    kafka.map(({ code, name, retriable }) => ({ code, name, retriable })),
  );
});
