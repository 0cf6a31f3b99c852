import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { incrementalAlterConfigs } from "../../../../broker/handlers/incremental-alter-configs.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from "../../../../protocol/messages/incremental-alter-configs.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { versionsOf } from "../../../support/versions.ts";

const set = 0;
const remove = 1;
const append = 2;
const subtract = 3;

let broker: MemoryBroker;
let topic: string;
let made = 0;

beforeAll(async () => {
  broker = await startMemoryBroker();
});
beforeEach(async () => {
  topic = `altered-${made++}`;
  await broker.createTopic(topic, {
    partitionCount: 1,
    configs: { "retention.ms": "60000", "cleanup.policy": "delete" },
  });
});
afterAll(() => broker.close());

type Change = [name: string, operation: number, value: string | null];
type Asked = { type?: number; name?: string; changes: Change[] };

async function ask(version: number, asked: Asked[], { validateOnly = false } = {}) {
  const answer = await broker.call(
    incrementalAlterConfigsRequest,
    incrementalAlterConfigsResponse,
    version,
    {
      resources: asked.map(({ type = 2, name = topic, changes }) => ({
        resourceType: type,
        resourceName: name,
        configs: changes.map(([key, configOperation, value]) => ({
          name: key,
          configOperation,
          value,
        })),
      })),
      validateOnly,
    },
  );
  return answer.responses;
}

const configsNow = () => broker.services.topics.byName(broker.clusterId, topic)?.topic.configs;

describe.each(versionsOf(incrementalAlterConfigs))("in version %i", (version) => {
  test.each<[string, Change[], Record<string, string>]>([
    ["set", [["retention.ms", set, "5"]], { "retention.ms": "5", "cleanup.policy": "delete" }],
    ["deleted", [["retention.ms", remove, null]], { "cleanup.policy": "delete" }],
    [
      "appended to, if they are lists",
      [["cleanup.policy", append, "compact"]],
      { "retention.ms": "60000", "cleanup.policy": "delete,compact" },
    ],
  ])("settings are %s, the others stay", async (_how, changes, expected) => {
    expect(await ask(version, [{ changes }])).toEqual([
      { errorCode: 0, errorMessage: null, resourceType: 2, resourceName: topic },
    ]);
    expect(configsNow()).toEqual(expected);
  });

  test("lists are subtracted from", async () => {
    await ask(version, [{ changes: [["cleanup.policy", append, "compact"]] }]);
    await ask(version, [{ changes: [["cleanup.policy", subtract, "delete"]] }]);
    expect(configsNow()).toMatchObject({ "cleanup.policy": "compact" });
  });

  test("a change is seen by the topic's own rules at once", async () => {
    await ask(version, [{ changes: [["max.message.bytes", set, "77"]] }]);
    const local = broker.services.topics.byName(broker.clusterId, topic);
    expect(local?.rules.maxMessageBytes).toBe(77);
  });

  test.each<[string, Asked, keyof typeof errorCodes]>([
    ["appending to a number", { changes: [["retention.ms", append, "5"]] }, "INVALID_CONFIG"],
    ["an unknown operation", { changes: [["retention.ms", 9, "5"]] }, "INVALID_REQUEST"],
    ["an unknown setting", { changes: [["no.such", set, "5"]] }, "INVALID_CONFIG"],
    [
      "a setting named twice",
      {
        changes: [
          ["retention.ms", set, "5"],
          ["retention.ms", set, "6"],
        ],
      },
      "INVALID_REQUEST",
    ],
    ["setting nothing", { changes: [["retention.ms", set, null]] }, "INVALID_CONFIG"],
    ["an unknown topic", { name: "absent", changes: [] }, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["a single broker", { type: 4, name: "1", changes: [] }, "INVALID_REQUEST"],
  ])("%s is refused, the other resources are changed", async (_what, asked, error) => {
    const other = `other-${made++}`;
    await broker.createTopic(other, { partitionCount: 1 });
    const [refused, changed] = await ask(version, [
      asked,
      { name: other, changes: [["retention.ms", set, "1"]] },
    ]);
    expect(refused?.errorCode).toBe(errorCodes[error]);
    expect(changed?.errorCode).toBe(0);
    expect(configsNow()).toEqual({ "retention.ms": "60000", "cleanup.policy": "delete" });
  });

  test("it can be tried without effect", async () => {
    const changes: Change[] = [["retention.ms", remove, null]];
    const [answer] = await ask(version, [{ changes }], { validateOnly: true });
    expect(answer?.errorCode).toBe(0);
    expect(configsNow()).toMatchObject({ "retention.ms": "60000" });
  });

  test("a broker without a name stands for the whole cluster, whose topics follow", async () => {
    const bytes = String(1_000 + version);
    const cluster = { type: 4, name: "" };
    const [answer] = await ask(version, [
      { ...cluster, changes: [["message.max.bytes", set, bytes]] },
    ]);
    expect(answer?.errorCode).toBe(0);
    const local = broker.services.topics.byName(broker.clusterId, topic);
    expect(local?.rules.maxMessageBytes).toBe(Number(bytes));
    await ask(version, [{ ...cluster, changes: [["message.max.bytes", remove, null]] }]);
    expect(local?.rules.maxMessageBytes).toBe(1_048_588);
  });
});
