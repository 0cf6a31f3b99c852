import { errorCodes } from "../../protocol/errors.ts";
import type { ErrorName } from "../../protocol/errors.ts";
import type { ListOffsetsRequest } from "../../protocol/messages/list-offsets.ts";
import { listOffsetsRequest, listOffsetsResponse } from "../../protocol/messages/list-offsets.ts";
import { maxTimestampAt, offsetByTimestamp } from "../fetch/time-lookup.ts";
import type { PartitionLog, TimestampedOffset } from "../log/partition-log.ts";
import { LogReadError } from "../log/partition-log.ts";
import type { Partition } from "../replication/partition.ts";
import type { LocalTopic } from "../replication/topic-table.ts";
import { learnTieredEnd } from "../cold/learn-tiered-end.ts";
import type { Tier } from "../cold/tier.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { checkLeader } from "../replication/leader-check.ts";
import { lookForUnknown } from "./submit.ts";

type Asked = ListOffsetsRequest["topics"][number]["partitions"][number];
type Answer =
  | { error: ErrorName }
  | { error: "NONE"; offset: number; timestamp: number; leaderEpoch: number };

/** The timestamps that mean something else, with the first version that knows each. */
const special = {
  latest: { timestamp: -1, since: 0 },
  earliest: { timestamp: -2, since: 0 },
  maxTimestamp: { timestamp: -3, since: 7 },
  earliestLocal: { timestamp: -4, since: 8 },
  latestTiered: { timestamp: -5, since: 9 },
  earliestPendingUpload: { timestamp: -6, since: 11 },
} as const;

const readCommitted = 1;
const nothing = { error: "NONE", offset: -1, timestamp: -1, leaderEpoch: -1 } as const;

// v0 asks for and answers with a list of offsets. v2: isolation level. v4: leader epochs (KIP-320). v5: OFFSET_NOT_AVAILABLE. v7-11: more special
// timestamps (KIP-734, KIP-405, KIP-1005, KIP-1023).
export const listOffsets = kafkaApi(
  listOffsetsRequest,
  listOffsetsResponse,
  { versions: [0, 11] },
  async (request, { services, clusterId, apiVersion }: RequestContext<BrokerServices>) => {
    if (request.topics.some(({ name }) => services.topics.byName(clusterId, name) === undefined))
      await lookForUnknown(services);
    const how = { apiVersion, isolationLevel: request.isolationLevel };
    const repeated = repeatedPartitions(request);
    const topics = [];
    for (const { name, partitions } of request.topics) {
      const topic = services.topics.byName(clusterId, name);
      const answers = [];
      for (const asked of partitions) {
        // Kafka refuses a partition named twice. One after the other: a lookup by time may read from disk.
        const answer: Answer = repeated.has(partitionKey(name, asked))
          ? { error: "INVALID_REQUEST" }
          : services.cell.serving.reads
            ? await answerFor(topic, asked, { ...how, tier: services.tier })
            : { error: "NOT_LEADER_OR_FOLLOWER" };
        answers.push(shape(asked, answer, apiVersion));
      }
      topics.push({ name, partitions: answers });
    }
    return { throttleTimeMs: 0, topics };
  },
);

function repeatedPartitions({ topics }: ListOffsetsRequest): Set<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { name, partitions } of topics) {
    for (const partition of partitions) {
      const key = partitionKey(name, partition);
      if (seen.has(key)) repeated.add(key);
      seen.add(key);
    }
  }
  return repeated;
}

function partitionKey(topicName: string, { partitionIndex }: Asked): string {
  return `${partitionIndex}:${topicName}`;
}

function shape({ partitionIndex, maxNumOffsets }: Asked, answer: Answer, apiVersion: number) {
  const errorCode = errorCodes[answer.error];
  if (!("offset" in answer))
    return {
      partitionIndex,
      errorCode,
      oldStyleOffsets: [],
      timestamp: -1,
      offset: -1,
      leaderEpoch: -1,
    };
  const { offset, timestamp, leaderEpoch } = answer;
  const oldStyleOffsets = apiVersion === 0 && offset >= 0 && maxNumOffsets > 0 ? [offset] : [];
  return { partitionIndex, errorCode, oldStyleOffsets, timestamp, offset, leaderEpoch };
}

type How = { apiVersion: number; isolationLevel: number; tier: Tier };

async function answerFor(topic: LocalTopic | undefined, asked: Asked, how: How): Promise<Answer> {
  const checked = checkLeader(topic, asked.partitionIndex, asked.currentLeaderEpoch);
  if (checked.kind === "refused") return { error: checked.error };
  const kind = Object.values(special).find(({ timestamp }) => timestamp === asked.timestamp);
  if (asked.timestamp < 0 && (kind === undefined || how.apiVersion < kind.since))
    return { error: "UNSUPPORTED_VERSION" };
  try {
    if (asked.timestamp === special.latest.timestamp && isBehindItsTerm(checked.partition))
      return { error: how.apiVersion >= 5 ? "OFFSET_NOT_AVAILABLE" : "LEADER_NOT_AVAILABLE" };
    return await lookUp(checked.partition, asked.timestamp, how);
  } catch (error) {
    if (!(error instanceof LogReadError)) throw error;
    return { error: "KAFKA_STORAGE_ERROR" };
  }
}

/** A new leader's high watermark may lie below what its predecessor has shown, until the followers have fetched (L1, KIP-207). */
const isBehindItsTerm = ({ leaderState, log }: Partition): boolean =>
  leaderState !== null && log.highWatermark < leaderState.startOffset;

async function lookUp(
  partition: Partition,
  timestamp: number,
  { isolationLevel, tier }: How,
): Promise<Answer> {
  const { log, leaderEpoch } = partition;
  const end = isolationLevel === readCommitted ? log.lastStableOffset : log.highWatermark;
  switch (timestamp) {
    case special.latest.timestamp:
      return { error: "NONE", offset: end, timestamp: -1, leaderEpoch };
    case special.earliest.timestamp:
      return placeAt(log, log.logStartOffset);
    case special.earliestLocal.timestamp:
      return placeAt(log, log.localStartOffset);
    case special.latestTiered.timestamp:
      await learnTieredEnd(tier, partition);
      // The last offset that is there, not the one behind it.
      return partition.tieredEnd > log.logStartOffset
        ? placeAt(log, partition.tieredEnd - 1)
        : nothing;
    case special.earliestPendingUpload.timestamp:
      await learnTieredEnd(tier, partition);
      return placeAt(log, Math.max(partition.tieredEnd, log.localStartOffset));
    case special.maxTimestamp.timestamp:
      return answerOf(await maxTimestampAt({ partition, tier }, end));
    default:
      return answerOf(await offsetByTimestamp({ partition, tier }, { timestamp, end }));
  }
}

const answerOf = (found: TimestampedOffset | null): Answer =>
  found === null ? nothing : { error: "NONE", ...found };

const placeAt = (log: PartitionLog, offset: number): Answer => ({
  error: "NONE",
  offset,
  timestamp: -1,
  leaderEpoch: log.epochOf(offset),
});
