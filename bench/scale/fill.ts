import {
  createTopicsRequest,
  createTopicsResponse,
} from "../../protocol/messages/create-topics.ts";
import {
  offsetCommitRequest,
  offsetCommitResponse,
} from "../../protocol/messages/offset-commit.ts";
import { produceRequest, produceResponse } from "../../protocol/messages/produce.ts";
import { buildBatch } from "../../protocol/records/build.ts";
import type { RawClient } from "../../test/support/raw-client.ts";

// What puts topics and records into a broker that is measured. Whatever is refused ends the measurement.

function check(errorCode: number, what: string): void {
  if (errorCode !== 0) throw new Error(`${what} was refused with error ${errorCode}`);
}

export async function createTopics(
  client: RawClient,
  topics: readonly { readonly name: string; readonly partitions: number }[],
): Promise<void> {
  const answer = await client.call(createTopicsRequest, createTopicsResponse, 7, {
    topics: topics.map(({ name, partitions }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: -1,
      assignments: [],
      configs: [],
    })),
  });
  for (const { name, errorCode, errorMessage } of answer.topics)
    check(errorCode, `topic ${name} (${errorMessage})`);
}

/** One batch of `records` incompressible values. The leader stamps what lies outside its checksum, so it may be sent many times. */
export function makeBatch(records: number, valueBytes: number): Uint8Array {
  const value = Buffer.alloc(valueBytes);
  for (let at = 0; at < valueBytes; at++) value[at] = (at * 2_654_435_761) >>> 13;
  const timestamp = Date.now();
  return buildBatch(Array.from({ length: records }, () => ({ key: null, value, timestamp })));
}

/** Requests under way at once, so that neither side waits for the other. */
const window = 4;

/** Sends the batch to partitions 0 to `partitions`-1, in requests of about `requestBytes`, `rounds` times over. */
export async function produceToEach(
  client: RawClient,
  topic: string,
  load: {
    readonly partitions: number;
    readonly batch: Uint8Array;
    readonly rounds?: number;
    readonly requestBytes?: number;
  },
): Promise<void> {
  const { partitions, batch, rounds = 1, requestBytes = 1_000_000 } = load;
  const perRequest = Math.max(1, Math.floor(requestBytes / batch.length));
  const underWay: Promise<void>[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let first = 0; first < partitions; first += perRequest) {
      const count = Math.min(perRequest, partitions - first);
      if (underWay.length >= window) await underWay.shift();
      underWay.push(produceOnce(client, topic, { first, count, batch }));
    }
  }
  await Promise.all(underWay);
}

async function produceOnce(
  client: RawClient,
  name: string,
  { first, count, batch }: { first: number; count: number; batch: Uint8Array },
): Promise<void> {
  const indexes = Array.from({ length: count }, (_, at) => first + at);
  const answer = await client.call(produceRequest, produceResponse, 12, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{ name, partitionData: indexes.map((index) => ({ index, records: batch })) }],
  });
  for (const { index, errorCode } of answer.responses[0]?.partitionResponses ?? [])
    check(errorCode, `a batch for ${name}-${index}`);
}

/** A commit's records are one batch: ten thousand would not fit into it, here or in Kafka. */
const offsetsPerCommit = 1_000;

/** Commits by no member, as tools make them: one offset for each partition. */
export async function commitEach(
  client: RawClient,
  { groupId, topic, partitions }: { groupId: string; topic: string; partitions: number },
): Promise<void> {
  for (let first = 0; first < partitions; first += offsetsPerCommit) {
    const count = Math.min(offsetsPerCommit, partitions - first);
    const answer = await client.call(offsetCommitRequest, offsetCommitResponse, 8, {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: "",
      topics: [
        {
          name: topic,
          partitions: Array.from({ length: count }, (_, at) => ({
            partitionIndex: first + at,
            committedOffset: 1,
            committedMetadata: "",
          })),
        },
      ],
    });
    for (const { partitionIndex, errorCode } of answer.topics[0]?.partitions ?? [])
      check(errorCode, `an offset of ${topic}-${partitionIndex}`);
  }
}
