import { afterEach, describe, expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryNetwork } from "../../../../adapters/memory/network.ts";
import { apiVersions, type Features } from "../../../../broker/handlers/api-versions.ts";
import type { ClientConnection } from "../../../../broker/handlers/kafka-api.ts";
import { kafkaApi, type RequestContext } from "../../../../broker/handlers/kafka-api.ts";
import { kafkaApis } from "../../../../broker/handlers/table.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { type KafkaServer, startServer } from "../../../../broker/server/server.ts";
import { writeRequestFrame } from "../../../../protocol/api-frame.ts";
import { apiTable } from "../../../../protocol/api-table.ts";
import {
  apiVersionsRequest,
  apiVersionsResponse,
} from "../../../../protocol/messages/api-versions.ts";
import { heartbeatRequest, heartbeatResponse } from "../../../../protocol/messages/heartbeat.ts";
import { decode } from "../../../../protocol/schema/decode.ts";
import { createHandlerBench } from "../../../support/handler-bench.ts";
import { connectRawClient, type RawClient } from "../../../support/raw-client.ts";

const clusterId = "cluster-a";
const brokerId = 7;
const versions = [0, 1, 2, 3, 4, 5];
const client = { clientSoftwareName: "kafka-js", clientSoftwareVersion: "2.2.4" };
const servers: KafkaServer[] = [];
let seen: ClientConnection | null = null;

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function connect(features?: Features): Promise<RawClient> {
  const network = createMemoryNetwork();
  const heartbeat = kafkaApi(
    heartbeatRequest,
    heartbeatResponse,
    { versions: [0, 4] },
    (_, context: RequestContext<unknown>) => {
      seen = context.connection;
      return { errorCode: 0 };
    },
  );
  const served = [heartbeat, ...createHandlerBench().apis.filter(({ key }) => key !== 12)];
  const server = await startServer({
    network,
    clock: createManualClock(),
    log: silentLog,
    address: { host: "127.0.0.1", port: 0 },
    clusterId,
    apis: [...served, apiVersions(served, features)],
    services: { brokerId },
  });
  servers.push(server);
  return connectRawClient(network, server.address);
}

function ask(raw: RawClient, version: number, body: object = {}) {
  return raw.call(apiVersionsRequest, apiVersionsResponse, version, { ...client, ...body });
}

const shown = [
  { apiKey: 0, minVersion: 0, maxVersion: 13 },
  { apiKey: 1, minVersion: 4, maxVersion: 18 },
  { apiKey: 12, minVersion: 0, maxVersion: 4 },
  { apiKey: 14, minVersion: 0, maxVersion: 5 },
  { apiKey: 18, minVersion: 0, maxVersion: 5 },
  { apiKey: 36, minVersion: 0, maxVersion: 2 },
];

test.each(versions)(
  "v%i lists what is served, with the ranges that are advertised",
  async (version) => {
    const response = await ask(await connect(), version);
    expect(response).toEqual({
      errorCode: 0,
      apiKeys: shown,
      throttleTimeMs: 0,
      supportedFeatures: [],
      finalizedFeaturesEpoch: -1,
      finalizedFeatures: [],
      zkMigrationReady: false,
    });
  },
);

test.each([6, 99, 32_767, -1])(
  "v%i, which is unknown, is answered in version 0 with an error and every key (KIP-511)",
  async (version) => {
    const raw = await connect();
    const { parts } = writeRequestFrame(
      apiVersionsRequest,
      version > 5 ? 5 : 0,
      { correlationId: 77, clientId: "from-the-future" },
      client,
    );
    const frame = Buffer.concat(parts as Uint8Array[]);
    frame.writeInt16BE(version, 6);
    raw.sendBytes(frame);
    const answer = (await raw.nextFrame()) ?? new Uint8Array(0);
    expect(Buffer.from(answer).readInt32BE()).toBe(77);
    const response = decode(apiVersionsResponse, 0, answer, { offset: 4 });
    expect(response).toMatchObject({ errorCode: 35, apiKeys: shown });
    // The connection goes on: the client asks again in a version it found there.
    expect((await ask(raw, 5)).errorCode).toBe(0);
  },
);

describe("the client's software", () => {
  test("is remembered with the connection", async () => {
    const raw = await connect();
    await ask(raw, 3);
    await raw.call(heartbeatRequest, heartbeatResponse, 4, {
      groupId: "g",
      generationId: 1,
      memberId: "m",
    });
    expect(seen?.clientSoftware).toEqual({ name: "kafka-js", version: "2.2.4" });
  });

  test.each(["", "-a", "a-", "a b", "a\n", "ä", "a_b"])(
    "named %j is an invalid request",
    async (name) => {
      const raw = await connect();
      for (const field of ["clientSoftwareName", "clientSoftwareVersion"]) {
        for (const version of [3, 4, 5]) {
          const response = await ask(raw, version, { [field]: name });
          expect(response).toMatchObject({ errorCode: 42, apiKeys: [] });
        }
      }
    },
  );

  test.each(["a", "a1", "apache-kafka-java", "librdkafka.2.11-rc1"])(
    "may be named %j",
    async (name) => {
      const raw = await connect();
      expect((await ask(raw, 5, { clientSoftwareName: name })).errorCode).toBe(0);
    },
  );
});

describe("the broker a client believes to be talking to (KIP-1242)", () => {
  test.each([
    ["is this one", { clusterId, nodeId: brokerId }, 0],
    ["is not said", {}, 0],
    ["is of another cluster", { clusterId: "cluster-b", nodeId: brokerId }, 129],
    ["is another of this cluster", { clusterId, nodeId: 8 }, 129],
    ["is half said: no node", { clusterId }, 42],
    ["is half said: no cluster", { nodeId: brokerId }, 42],
  ])("%s", async (_, body, errorCode) => {
    expect((await ask(await connect(), 5, body)).errorCode).toBe(errorCode);
  });

  test("is looked at from version 5 on", async () => {
    expect((await ask(await connect(), 4, { clusterId: "cluster-b" })).errorCode).toBe(0);
  });
});

test("features whose range begins at 0 are shown from version 4 on (KAFKA-17492)", async () => {
  const raw = await connect({
    epoch: 12,
    list: [
      { name: "group.version", supported: [0, 1], finalized: [1, 1] },
      { name: "metadata.version", supported: [1, 30], finalized: null },
    ],
  });
  const finalized = {
    finalizedFeaturesEpoch: 12,
    finalizedFeatures: [{ name: "group.version", minVersionLevel: 1, maxVersionLevel: 1 }],
  };
  const metadataVersion = { name: "metadata.version", minVersion: 1, maxVersion: 30 };
  expect(await ask(raw, 3)).toMatchObject({ ...finalized, supportedFeatures: [metadataVersion] });
  expect(await ask(raw, 4)).toMatchObject({
    ...finalized,
    supportedFeatures: [{ name: "group.version", minVersion: 0, maxVersion: 1 }, metadataVersion],
  });
});

describe("the table of the broker", () => {
  test("has each API once, in versions its messages have", () => {
    const keys = kafkaApis.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { key, name, versions: served, advertised } of kafkaApis) {
      const known = apiTable.find((each) => each.key === key)?.request.versions ?? [0, -1];
      expect(served[0], name).toBeGreaterThanOrEqual(advertised[0]);
      expect(served[1], name).toBe(advertised[1]);
      expect(advertised[0], name).toBeGreaterThanOrEqual(known[0]);
      expect(advertised[1], name).toBeLessThanOrEqual(known[1]);
    }
  });

  test("advertises Produce and JoinGroup from 0 on, for the sake of librdkafka before 2.11 (KAFKA-18659, KAFKA-19444)", () => {
    for (const key of [0, 11]) {
      expect(kafkaApis.find((api) => api.key === key)?.advertised[0]).toBe(0);
    }
  });
});
