import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { alterConfigs } from "../../../../broker/handlers/alter-configs.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  alterConfigsRequest,
  alterConfigsResponse,
} from "../../../../protocol/messages/alter-configs.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { versionsOf } from "../../../support/versions.ts";

let broker: MemoryBroker;
let topic: string;
let made = 0;

beforeAll(async () => {
  broker = await startMemoryBroker();
});
beforeEach(async () => {
  topic = `altered-${made++}`;
  await broker.createTopic(topic, { partitionCount: 1, configs: { "retention.ms": "60000" } });
});
afterAll(() => broker.close());

type Asked = { type?: number; name?: string; configs: Record<string, string | null> };

async function ask(version: number, asked: Asked[], { validateOnly = false } = {}) {
  const answer = await broker.call(alterConfigsRequest, alterConfigsResponse, version, {
    resources: asked.map(({ type = 2, name = topic, configs }) => ({
      resourceType: type,
      resourceName: name,
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
    validateOnly,
  });
  return answer.responses;
}

const configsNow = () => broker.services.topics.byName(broker.clusterId, topic)?.topic.configs;

describe.each(versionsOf(alterConfigs))("in version %i", (version) => {
  test("all settings are replaced: what is not named goes back to its default", async () => {
    expect(await ask(version, [{ configs: { "max.message.bytes": "100" } }])).toEqual([
      { errorCode: 0, errorMessage: null, resourceType: 2, resourceName: topic },
    ]);
    expect(configsNow()).toEqual({ "max.message.bytes": "100" });
  });

  test("a change holds for the next record", async () => {
    await ask(version, [{ configs: { "max.message.bytes": "100" } }]);
    const records = batchOf(["x".repeat(100)], { timestamp: broker.clock.nowMs() });
    const { errorCode } = await produceOne(broker, { topic, records });
    expect(errorCode).toBe(errorCodes.MESSAGE_TOO_LARGE);
  });

  test("null goes back to the default", async () => {
    await ask(version, [{ configs: { "retention.ms": null } }]);
    expect(configsNow()).toEqual({});
  });

  test("it can be tried without effect", async () => {
    const [answer] = await ask(version, [{ configs: {} }], { validateOnly: true });
    expect(answer?.errorCode).toBe(0);
    expect(configsNow()).toEqual({ "retention.ms": "60000" });
  });

  test.each<[string, Asked, keyof typeof errorCodes]>([
    ["an unknown setting", { configs: { "no.such": "1" } }, "INVALID_CONFIG"],
    ["a value out of bounds", { configs: { "retention.ms": "-5" } }, "INVALID_CONFIG"],
    ["an unknown topic", { name: "absent", configs: {} }, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["a single broker", { type: 4, name: "1", configs: {} }, "INVALID_REQUEST"],
    ["a resource of another type", { type: 8, name: "x", configs: {} }, "INVALID_REQUEST"],
  ])("%s is refused, the others are changed", async (_what, asked, error) => {
    const other = `other-${made++}`;
    await broker.createTopic(other, { partitionCount: 1 });
    const [refused, changed] = await ask(version, [
      asked,
      { name: other, configs: { "retention.ms": "1" } },
    ]);
    expect(refused?.errorCode).toBe(errorCodes[error]);
    expect(refused?.errorMessage).not.toBeNull();
    expect(configsNow()).toEqual({ "retention.ms": "60000" });
    expect(changed?.errorCode).toBe(0);
  });
});
