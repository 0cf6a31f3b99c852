import { afterEach, beforeEach, expect, test } from "vitest";
import {
  heartbeatRequest,
  heartbeatResponse,
  heartbeatToWire,
} from "../../../../broker/cell/heartbeat-message.ts";
import { voteToWire } from "../../../../broker/cell/vote-message.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import { voteRequest, voteResponse } from "../../../../protocol/messages/vote.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";

// What strangers hear who speak as brokers do: BrokerHeartbeat and Vote.

let broker: MemoryBroker;

beforeEach(async () => {
  broker = await startMemoryBroker();
  await expect.poll(() => broker.image.controller.brokerId).toBe(broker.broker.brokerId);
});
afterEach(() => broker.close());

function beat(brokerId: number, brokerEpoch: number) {
  const heartbeat = {
    brokerId,
    brokerEpoch,
    counter: 1,
    metadataRevision: 1,
    wantsShutDown: false,
    logReadAgeMs: 0,
  };
  const body = heartbeatToWire(heartbeat, { ends: [], loads: [] });
  return broker.call(heartbeatRequest, heartbeatResponse, 2, body);
}

test("a heartbeat of a broker that nobody has registered is refused", async () => {
  const { errorCode } = await beat(99, 1);
  expect(errorCode).toBe(errorCodes.BROKER_ID_NOT_REGISTERED);
});

test("a heartbeat of a former life is refused", async () => {
  const { errorCode } = await beat(broker.broker.brokerId, 0);
  expect(errorCode).toBe(errorCodes.STALE_BROKER_EPOCH);
});

test("a broker that is controller itself misses nobody", async () => {
  const { epoch } = broker.image.controller;
  const body = voteToWire({ brokerId: 99, controllerEpoch: epoch });
  const { errorCode, topics } = await broker.call(voteRequest, voteResponse, 2, body);
  expect(errorCode).toBe(0);
  expect(topics[0]?.partitions[0]).toMatchObject({
    voteGranted: false,
    leaderId: broker.broker.brokerId,
    leaderEpoch: epoch,
  });
});

test("a vote that is meant to elect is an invalid request: nobody is elected by votes here", async () => {
  const body = voteToWire({ brokerId: 99, controllerEpoch: 0 });
  const [topic] = body.topics;
  const partitions = topic!.partitions.map((each) => ({ ...each, preVote: false }));
  const { errorCode } = await broker.call(voteRequest, voteResponse, 2, {
    ...body,
    topics: [{ ...topic!, partitions }],
  });
  expect(errorCode).toBe(errorCodes.INVALID_REQUEST);
});
