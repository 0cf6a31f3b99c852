import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import { alterPartitionReassignments } from "../../../../broker/handlers/alter-partition-reassignments.ts";
import { describeQuorum } from "../../../../broker/handlers/describe-quorum.ts";
import { electLeaders } from "../../../../broker/handlers/elect-leaders.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from "../../../../protocol/messages/alter-partition-reassignments.ts";
import {
  describeQuorumRequest,
  describeQuorumResponse,
} from "../../../../protocol/messages/describe-quorum.ts";
import {
  electLeadersRequest,
  electLeadersResponse,
} from "../../../../protocol/messages/elect-leaders.ts";
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from "../../../../protocol/messages/list-partition-reassignments.ts";
import {
  unregisterBrokerRequest,
  unregisterBrokerResponse,
} from "../../../../protocol/messages/unregister-broker.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { versionsOf } from "../../../support/versions.ts";

let first: MemoryBroker;
let second: MemoryBroker;
let topic: string;
let made = 0;

beforeAll(async () => {
  first = await startMemoryBroker();
  second = await startMemoryBroker({
    world: { ...first.world, disk: createMemoryDisk(), seed: 77 },
    network: first.network,
    config: { slot: 2, listen: { host: "127.0.0.1", port: 9093 } },
  });
});
beforeEach(async () => {
  topic = `moving-${made++}`;
  await first.createTopic(topic, {
    assignments: [first, second].map(({ broker }, index) => ({
      index,
      brokerIds: [broker.brokerId],
    })),
  });
});
afterAll(async () => {
  await second.close();
  await first.close();
});

const partition = (index: number) =>
  first.services.topics.byName(first.clusterId, topic)?.topic.partitions[index];

async function move(version: number, index: number, replicas: number[] | null, name = topic) {
  const answer = await first.call(
    alterPartitionReassignmentsRequest,
    alterPartitionReassignmentsResponse,
    version,
    { timeoutMs: 1_000, topics: [{ name, partitions: [{ partitionIndex: index, replicas }] }] },
  );
  expect(answer.errorCode).toBe(0);
  return answer.responses[0]?.partitions[0]?.errorCode;
}

async function listed(names: string[] | null) {
  const topics = names?.map((name) => ({ name, partitionIndexes: [0, 1] })) ?? null;
  const answer = await first.call(
    listPartitionReassignmentsRequest,
    listPartitionReassignmentsResponse,
    0,
    { timeoutMs: 1_000, topics },
  );
  return answer.topics.filter(({ name }) => name === topic);
}

describe.each(versionsOf(alterPartitionReassignments))("a move, in version %i", (version) => {
  test("is listed while it is under way, and done once its target is in sync", async () => {
    const [from, to] = [first.broker.brokerId, second.broker.brokerId];
    expect(await move(version, 0, [to])).toBe(0);
    const seen = await listed([topic]);
    const [state] = seen[0]?.partitions ?? [];
    if (state !== undefined)
      expect(state).toMatchObject({ addingReplicas: [to], removingReplicas: [from] });
    await expect.poll(() => partition(0)?.replicas, { timeout: 10_000 }).toEqual([to]);
    expect(partition(0)).toMatchObject({ leader: to, isr: [to], adding: [], removing: [] });
    expect(await listed(null)).toEqual([]);
    await expect
      .poll(() => first.services.topics.byName(first.clusterId, topic)?.partitions[0])
      .toBeUndefined();
  });

  test("is refused where it makes no sense, in Kafka's words", async () => {
    expect(await move(version, 0, [99])).toBe(errorCodes.INVALID_REPLICA_ASSIGNMENT);
    expect(await move(version, 0, null)).toBe(errorCodes.NO_REASSIGNMENT_IN_PROGRESS);
    expect(await move(version, 7, [1])).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await move(version, 0, [1], "nobody")).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

describe.each(versionsOf(electLeaders))("an election, in version %i", (version) => {
  const elect = (electionType: number, index: number) =>
    first.call(electLeadersRequest, electLeadersResponse, version, {
      ...(version === 0 ? {} : { electionType }),
      topicPartitions: [{ topic, partitions: [index] }],
      timeoutMs: 1_000,
    });

  test("of a leader that leads is not needed; of a partition that is not there impossible", async () => {
    const codeOf = async (index: number) =>
      (await elect(0, index)).replicaElectionResults[0]?.partitionResult[0]?.errorCode;
    expect(await codeOf(0)).toBe(errorCodes.ELECTION_NOT_NEEDED);
    expect(await codeOf(9)).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  });

  // Version 0 knows one kind only.
  if (version === 0) return;
  test("of a kind that does not exist is refused", async () => {
    expect((await elect(7, 0)).errorCode).toBe(errorCodes.INVALID_REQUEST);
  });
});

describe.each(versionsOf(describeQuorum))("the quorum, in version %i", (version) => {
  test("is the one metadata log, which brokers observe", async () => {
    const topics = [{ topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] }];
    const answer = await first.call(describeQuorumRequest, describeQuorumResponse, version, {
      topics,
    });
    const [quorum] = answer.topics[0]?.partitions ?? [];
    expect(quorum?.errorCode).toBe(0);
    const members = [...(quorum?.currentVoters ?? []), ...(quorum?.observers ?? [])];
    expect(new Set(members.map(({ replicaId }) => replicaId))).toEqual(
      new Set([first.broker.brokerId, second.broker.brokerId]),
    );
    expect(quorum?.highWatermark).toBe(first.image.revision);
  });

  test("of any other topic is unknown", async () => {
    const topics = [{ topicName: topic, partitions: [{ partitionIndex: 0 }] }];
    const answer = await first.call(describeQuorumRequest, describeQuorumResponse, version, {
      topics,
    });
    expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

test("a broker that runs, or never was, cannot be unregistered", async () => {
  const unregister = (brokerId: number) =>
    first.call(unregisterBrokerRequest, unregisterBrokerResponse, 0, { brokerId });
  const running = await unregister(second.broker.brokerId);
  expect(running.errorCode).toBe(errorCodes.INVALID_REQUEST);
  expect(running.errorMessage).toBeTruthy();
  expect((await unregister(4711)).errorCode).toBe(errorCodes.BROKER_ID_NOT_REGISTERED);
});
