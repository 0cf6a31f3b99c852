import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeConfigs } from "../../../../broker/handlers/describe-configs.ts";
import { topicSettingTable } from "../../../../metadata/settings/topic-setting-table.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  describeConfigsRequest,
  describeConfigsResponse,
} from "../../../../protocol/messages/describe-configs.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { versionsOf } from "../../../support/versions.ts";

const topicType = 2;
const brokerType = 4;
const topicSource = 1;
const staticSource = 4;
const defaultSource = 5;

let broker: MemoryBroker;

beforeAll(async () => {
  broker = await startMemoryBroker({ config: { startedWith: { "broker.rack": "here" } } });
  await broker.createTopic("set", { partitionCount: 1, configs: { "retention.ms": "60000" } });
});
afterAll(() => broker.close());

type Asked = { type?: number; name: string; keys?: string[] | null };

async function ask(
  version: number,
  asked: Asked[],
  show: { synonyms?: boolean; documentation?: boolean } = {},
) {
  await broker.clock.advance(100);
  const answer = await broker.call(describeConfigsRequest, describeConfigsResponse, version, {
    resources: asked.map(({ type = topicType, name, keys = null }) => ({
      resourceType: type,
      resourceName: name,
      configurationKeys: keys,
    })),
    ...(version >= 1 ? { includeSynonyms: show.synonyms ?? false } : {}),
    ...(version >= 3 ? { includeDocumentation: show.documentation ?? false } : {}),
  });
  return answer.results;
}

async function askOne(version: number, asked: Asked, show = {}) {
  const [result] = await ask(version, [asked], show);
  if (result === undefined) throw new Error("the answer has no resource");
  return result;
}

describe.each(versionsOf(describeConfigs))("in version %i", (version) => {
  test("a setting that was set is told from one that is as it was, in the version's own shape", async () => {
    const keys = ["retention.ms", "segment.bytes"];
    const result = await askOne(version, { name: "set", keys });
    const shaped = (name: string, value: string, isDefault: boolean) => ({
      name,
      value,
      readOnly: false,
      isDefault: version === 0 ? isDefault : false,
      configSource: version === 0 ? -1 : isDefault ? defaultSource : topicSource,
      isSensitive: false,
      synonyms: [],
      configType: version >= 3 ? expect.any(Number) : 0,
      documentation: version >= 3 ? null : "",
    });
    expect(result).toMatchObject({ errorCode: 0, errorMessage: null, resourceName: "set" });
    expect(result.configs).toHaveLength(2);
    expect(result.configs).toEqual(
      expect.arrayContaining([
        shaped("retention.ms", "60000", false),
        shaped("segment.bytes", "1073741824", true),
      ]),
    );
  });

  test.each([null, []])("all settings are asked for by %j", async (keys) => {
    const { configs } = await askOne(version, { name: "set", keys });
    const names = configs.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(topicSettingTable.map(({ name }) => name)));
  });

  test("this broker's own settings are told, with what it was started with", async () => {
    const name = String(broker.broker.brokerId);
    const result = await askOne(version, { type: brokerType, name });
    expect(result.errorCode).toBe(0);
    const rack = result.configs.find((each) => each.name === "broker.rack");
    expect(rack?.value).toBe("here");
    if (version >= 1) expect(rack?.configSource).toBe(staticSource);
  });

  test("a broker without a name is the cluster's defaults", async () => {
    expect((await askOne(version, { type: brokerType, name: "" })).errorCode).toBe(0);
  });

  test.each<[string, Asked, keyof typeof errorCodes]>([
    ["an unknown topic", { name: "absent" }, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["a name no topic can have", { name: "no/slashes" }, "INVALID_TOPIC_EXCEPTION"],
    ["another broker", { type: brokerType, name: "77" }, "INVALID_REQUEST"],
    ["a resource of no known type", { type: 3, name: "x" }, "INVALID_REQUEST"],
  ])("%s is refused, the others are told", async (_what, asked, error) => {
    const [refused, told] = await ask(version, [asked, { name: "set" }]);
    expect(refused?.errorCode).toBe(errorCodes[error]);
    expect(refused?.configs).toEqual([]);
    expect(refused?.errorMessage).not.toBeNull();
    expect(told?.errorCode).toBe(0);
  });
});

test.each([1, 2, 3, 4])(
  "version %i tells on request where a value would come from next",
  async (version) => {
    const asked = { name: "set", keys: ["retention.ms"] };
    const { configs } = await askOne(version, asked, { synonyms: true });
    const [own, ...others] = configs[0]?.synonyms ?? [];
    expect(own).toEqual({ name: "retention.ms", value: "60000", source: topicSource });
    expect(others.at(-1)).toMatchObject({ name: "log.retention.ms", source: defaultSource });
  },
);

test.each([3, 4])("version %i documents settings on request", async (version) => {
  const { configs } = await askOne(version, { name: "set" }, { documentation: true });
  for (const { documentation } of configs) expect(documentation).toMatch(/\w+ \w+/);
});

test.each([8, 16, 32])("nothing is set yet on resources of type %i", async (type) => {
  expect(await askOne(4, { type, name: "x" })).toMatchObject({ errorCode: 0, configs: [] });
});

test("a resource named a thousand times is described once", async () => {
  const results = await ask(
    4,
    Array.from({ length: 1_000 }, () => ({ name: "set" })),
  );
  expect(results).toHaveLength(1);
});
