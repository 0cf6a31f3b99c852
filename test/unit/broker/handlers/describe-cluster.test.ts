import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeCluster } from "../../../../broker/handlers/describe-cluster.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  describeClusterRequest,
  describeClusterResponse,
} from "../../../../protocol/messages/describe-cluster.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { versionsOf } from "../../../support/versions.ts";

const versions = versionsOf(describeCluster);

let broker: MemoryBroker;

beforeAll(async () => {
  broker = await startMemoryBroker({ config: { zone: "az-1" } });
});
afterAll(() => broker.close());

const ask = (version: number, body: { endpointType?: number; operations?: boolean } = {}) =>
  broker.call(describeClusterRequest, describeClusterResponse, version, {
    includeClusterAuthorizedOperations: body.operations ?? false,
    ...(version >= 1 ? { endpointType: body.endpointType ?? 1 } : {}),
  });

test.each(versions)("version %i names the cluster and where its brokers are", async (version) => {
  const brokerId = broker.broker.brokerId;
  expect(await ask(version)).toEqual({
    throttleTimeMs: 0,
    errorCode: 0,
    errorMessage: null,
    endpointType: 1,
    clusterId: broker.clusterId,
    controllerId: brokerId,
    brokers: [{ brokerId, host: "127.0.0.1", port: 9092, rack: "az-1", isFenced: false }],
    clusterAuthorizedOperations: -2147483648,
  });
});

test.each(versions)("version %i tells authorized operations on request", async (version) => {
  const answer = await ask(version, { operations: true });
  expect(answer.clusterAuthorizedOperations).toBeGreaterThan(0);
});

describe.each(versions.slice(1))("in version %i", (version) => {
  test.each([
    [2, "MISMATCHED_ENDPOINT_TYPE"],
    [9, "UNSUPPORTED_ENDPOINT_TYPE"],
  ] as const)("endpoints of type %i are not here: %s", async (endpointType, error) => {
    const answer = await ask(version, { endpointType });
    expect(answer).toMatchObject({ errorCode: errorCodes[error], brokers: [] });
    expect(answer.errorMessage).not.toBeNull();
  });
});
