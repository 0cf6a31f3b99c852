import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { requestHeaderVersion, responseHeaderVersion } from "../../../protocol/api-frame.ts";
import { apiByKey, apiTable } from "../../../protocol/api-table.ts";
import {
  apiVersionsRequest,
  apiVersionsResponse,
} from "../../../protocol/messages/api-versions.ts";
import { heartbeatRequest, heartbeatResponse } from "../../../protocol/messages/heartbeat.ts";
import { hasKafkaJson, kafkaJsonFolder, noKafkaJsonReason } from "./messages/kafka-json.ts";

type KafkaApi = {
  key: number;
  name: string;
  flexibleFrom: number | null;
  valid: Record<string, [number, number] | null>;
};

test("an API's request and response share key, versions and the first flexible version", () => {
  for (const { key, name, request, response } of apiTable) {
    expect(request.role, name).toBe("request");
    expect(response.role, name).toBe("response");
    expect(response.key, name).toBe(key);
    expect(response.versions, name).toEqual(request.versions);
    expect(response.flexible, name).toBe(request.flexible);
  }
});

test("an API is found by its key, an unknown key is not", () => {
  expect(apiByKey(12)?.request).toBe(heartbeatRequest);
  expect(apiByKey(4)).toBeUndefined();
  expect(apiByKey(-1)).toBeUndefined();
});

test("headers turn flexible with their API, save the answer to ApiVersions", () => {
  expect([3, 4].map((version) => requestHeaderVersion(heartbeatRequest, version))).toEqual([1, 2]);
  expect([3, 4].map((version) => responseHeaderVersion(heartbeatResponse, version))).toEqual([
    0, 1,
  ]);
  expect([2, 3].map((version) => requestHeaderVersion(apiVersionsRequest, version))).toEqual([
    1, 2,
  ]);
  expect([2, 3, 4].map((version) => responseHeaderVersion(apiVersionsResponse, version))).toEqual([
    0, 0, 0,
  ]);
});

if (!hasKafkaJson) console.log(noKafkaJsonReason);

describe.skipIf(!hasKafkaJson)("the list of APIs against Kafka's", () => {
  const text = hasKafkaJson
    ? readFileSync(new URL("api-versions.json", kafkaJsonFolder), "utf8")
    : "[]";
  const current = (JSON.parse(text) as KafkaApi[]).filter(({ valid }) =>
    Array.isArray(valid["4.4"]),
  );

  test("all APIs of Kafka 4.4 are listed under their names and keys", () => {
    expect(apiTable.map(({ key, name }) => `${key} ${name}`)).toEqual(
      current.map(({ key, name }) => `${key} ${name}`),
    );
  });

  test.each(current)("$name has every version of 3.9 and 4.4", ({ key, flexibleFrom, valid }) => {
    const ranges = [valid["3.9"], valid["4.4"]].filter((range) => Array.isArray(range));
    expect(apiByKey(key)?.request.versions).toEqual([
      Math.min(...ranges.map(([from]) => from)),
      Math.max(...ranges.map(([, to]) => to)),
    ]);
    expect(apiByKey(key)?.request.flexible).toBe(flexibleFrom);
  });
});
