import { describe, expect, test } from "vitest";
import { readResponse, writeResponseFrame } from "../../../../protocol/api-frame.ts";
import { apiVersionsResponse } from "../../../../protocol/messages/api-versions.ts";
import { describeClusterResponse } from "../../../../protocol/messages/describe-cluster.ts";
import { findCoordinatorResponse } from "../../../../protocol/messages/find-coordinator.ts";
import { metadataResponse } from "../../../../protocol/messages/metadata.ts";
import { DecodeError } from "../../../../protocol/schema/decode-error.ts";
import type { Message } from "../../../../protocol/schema/message.ts";
import { namesBrokers, rewriteResponse } from "../../../../sdk/src/tunnel/rewrite-response.ts";
import type { Address } from "../../../../sdk/src/tunnel/rewrite-response.ts";

const inCell = { host: "10.92.0.5", port: 9092 };
const here = { host: "127.0.0.1", port: 41_000 };

async function resolve(address: Address): Promise<Address> {
  expect({ host: address.host, port: address.port }).toEqual(inCell);
  return here;
}

function versionsOf({ versions: [from, to] }: { versions: readonly [number, number] }): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Writes an answer as a broker does, has it changed, and reads it as a client does. */
async function through<D, E>(response: Message<D, E>, version: number, body: E): Promise<D> {
  const frame = frameOf(response, version, body);
  const changed = await rewriteResponse(
    { apiKey: response.key ?? -1, apiVersion: version },
    frame.subarray(4),
    resolve,
  );
  expect(Buffer.from(changed).readInt32BE(0)).toBe(changed.byteLength - 4);
  const read = readResponse(response, version, changed.subarray(4));
  if (read instanceof DecodeError) throw read;
  expect(read.correlationId).toBe(7);
  return read.body;
}

function frameOf<D, E>(response: Message<D, E>, version: number, body: E): Buffer {
  const { parts } = writeResponseFrame(response, version, 7, body);
  return Buffer.concat(parts.filter((part) => part instanceof Uint8Array));
}

test.each(versionsOf(metadataResponse))(
  "Metadata v%d: brokers are where the tunnel has them",
  async (version) => {
    const brokers = [{ nodeId: 1, ...inCell, rack: "eu-central-1a" }];
    const body = await through(metadataResponse, version, {
      brokers,
      clusterId: "c",
      controllerId: 1,
      topics: [
        {
          errorCode: 0,
          name: "orders",
          topicId: "8f2cXq1tQ0mJb0b3o1d2Vw",
          partitions: [
            {
              errorCode: 0,
              partitionIndex: 0,
              leaderId: 1,
              replicaNodes: [1],
              isrNodes: [1],
              offlineReplicas: [],
            },
          ],
        },
      ],
    } as never);
    expect(body.brokers).toMatchObject([{ nodeId: 1, ...here }]);
    expect(body.topics).toMatchObject([{ name: "orders", partitions: [{ leaderId: 1 }] }]);
  },
);

test.each(versionsOf(findCoordinatorResponse))(
  "FindCoordinator v%d: the coordinator is where the tunnel has it",
  async (version) => {
    const place = { nodeId: 2, ...inCell, errorCode: 0, errorMessage: null };
    const body = await through(findCoordinatorResponse, version, {
      ...place,
      coordinators: [{ key: "billing", ...place }],
    } as never);
    if (version < 4) expect(body).toMatchObject({ nodeId: 2, ...here });
    else expect(body.coordinators).toMatchObject([{ key: "billing", nodeId: 2, ...here }]);
  },
);

test("a coordinator that there is not stays nowhere", async () => {
  const none = { nodeId: -1, host: "", port: -1, errorCode: 15, errorMessage: null };
  const body = await through(findCoordinatorResponse, 3, none as never);
  expect(body).toMatchObject({ host: "", port: -1, errorCode: 15 });
});

test.each(versionsOf(describeClusterResponse))(
  "DescribeCluster v%d: brokers are where the tunnel has them",
  async (version) => {
    const body = await through(describeClusterResponse, version, {
      throttleTimeMs: 0,
      errorCode: 0,
      clusterId: "c",
      brokers: [{ brokerId: 1, ...inCell, rack: null, isFenced: false }],
    } as never);
    expect(body.brokers).toMatchObject([{ brokerId: 1, ...here }]);
  },
);

describe("ApiVersions", () => {
  const apiKeys = [
    { apiKey: 0, minVersion: 0, maxVersion: 13 },
    { apiKey: 1, minVersion: 4, maxVersion: 18 },
    { apiKey: 3, minVersion: 0, maxVersion: 13 },
    { apiKey: 78, minVersion: 1, maxVersion: 2 },
  ];
  const without = [
    { apiKey: 0, minVersion: 0, maxVersion: 9 },
    { apiKey: 1, minVersion: 4, maxVersion: 15 },
    { apiKey: 3, minVersion: 0, maxVersion: 13 },
  ];

  test.each(versionsOf(apiVersionsResponse))(
    "v%d: no version that names brokers beside records",
    async (version) => {
      const body = await through(apiVersionsResponse, version, { errorCode: 0, apiKeys });
      expect(body.apiKeys).toMatchObject(without);
    },
  );

  test("asked in a version that the broker does not know is answered in the first", async () => {
    const frame = frameOf(apiVersionsResponse, 0, { errorCode: 35, apiKeys });
    const asked = { apiKey: 18, apiVersion: 99 };
    const changed = await rewriteResponse(asked, frame.subarray(4), resolve);
    const read = readResponse(apiVersionsResponse, 0, changed.subarray(4));
    if (read instanceof DecodeError) throw read;
    expect(read.body).toMatchObject({ errorCode: 35, apiKeys: without });
  });
});

test("what carries records is not read", () => {
  for (const apiKey of [0, 1, 11, 14]) expect(namesBrokers(apiKey)).toBe(false);
});

test("what is no such answer is not passed on", async () => {
  const asked = { apiKey: 3, apiVersion: 9 };
  await expect(rewriteResponse(asked, Buffer.alloc(9, 0xff), resolve)).rejects.toThrow(
    "cannot be read",
  );
});
