import type { Image, Topic } from "../../metadata/image/image.ts";
import { topicByName, topicsOfCluster } from "../../metadata/image/image.ts";
import { errorCodes } from "../../protocol/errors.ts";
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from "../../protocol/messages/describe-topic-partitions.ts";
import { topicNameProblem } from "../../metadata/commands/topic-name.ts";
import { zeroUuid } from "../../protocol/schema/types.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { lookForUnknown } from "./submit.ts";
import { allTopicOperations, describePartition, isInternal } from "./topic-description.ts";

/** Kafka's max.request.partition.size.limit. */
const maxPartitions = 2000;

type Cursor = { topicName: string; partitionIndex: number };

// Version 0 (KIP-966): topics in the order of their names, a page at a time; the cursor says where to go on. No names: all topics, as in Kafka.
export const describeTopicPartitions = kafkaApi(
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
  { versions: [0, 0] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const { metadata } = services;
    const asked = request.topics.map(({ name }) => name);
    if (asked.some((name) => topicByName(metadata.image, clusterId, name) === undefined))
      await lookForUnknown(services);
    const { image } = metadata;
    const names =
      asked.length === 0
        ? topicsOfCluster(image, clusterId).map(({ name }) => name)
        : [...new Set(asked)].sort();
    const { cursor } = request;
    const limit = Math.min(maxPartitions, Math.max(1, request.responsePartitionLimit));
    const rest = names.filter((name) => cursor === null || name >= cursor.topicName);
    const found = rest.map((name) => ({ name, topic: topicByName(image, clusterId, name) }));
    return { throttleTimeMs: 0, ...onePage(image, found, { cursor, limit }) };
  },
);

function onePage(
  image: Image,
  found: readonly { name: string; topic: Topic | undefined }[],
  { cursor, limit }: { cursor: Cursor | null; limit: number },
) {
  let left = limit;
  const topics = [];
  for (const { name, topic } of found) {
    if (topic === undefined) {
      topics.push(unknownTopic(name));
      continue;
    }
    const from = cursor?.topicName === name ? Math.max(0, cursor.partitionIndex) : 0;
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: from } };
    const shown = topic.partitions.slice(from, from + left);
    topics.push({
      errorCode: errorCodes.NONE,
      name,
      topicId: topic.topicId,
      isInternal: isInternal(topic),
      partitions: shown.map(({ index }) => describePartition(image, topic, index)),
      topicAuthorizedOperations: allTopicOperations,
    });
    left -= shown.length;
    const next = from + shown.length;
    if (next < topic.partitions.length)
      return { topics, nextCursor: { topicName: name, partitionIndex: next } };
  }
  return { topics, nextCursor: null };
}

function unknownTopic(name: string) {
  const errorCode =
    topicNameProblem(name) === null
      ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      : errorCodes.INVALID_TOPIC_EXCEPTION;
  return { errorCode, name, topicId: zeroUuid, isInternal: false, partitions: [] };
}
