import { topicByName } from "../../metadata/image/image.ts";
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

// Version 0 (KIP-966): topics in the order of their names, a page at a time; the cursor says where to go on.
export const describeTopicPartitions = kafkaApi(
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
  { versions: [0, 0] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const { cursor } = request;
    const names = [...new Set(request.topics.map(({ name }) => name))].sort();
    const { metadata } = services;
    if (names.some((name) => topicByName(metadata.image, clusterId, name) === undefined))
      await lookForUnknown(services);
    let left = Math.min(maxPartitions, Math.max(1, request.responsePartitionLimit));
    let nextCursor: { topicName: string; partitionIndex: number } | null = null;
    const topics = [];
    for (const name of names.filter((each) => cursor === null || each >= cursor.topicName)) {
      const topic = topicByName(metadata.image, clusterId, name);
      if (topic === undefined) {
        const isLegal = topicNameProblem(name) === null;
        const errorCode = isLegal
          ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
          : errorCodes.INVALID_TOPIC_EXCEPTION;
        topics.push({ errorCode, name, topicId: zeroUuid, isInternal: false, partitions: [] });
        continue;
      }
      if (left === 0) {
        nextCursor = { topicName: name, partitionIndex: 0 };
        break;
      }
      const from = cursor?.topicName === name ? Math.max(0, cursor.partitionIndex) : 0;
      const shown = topic.partitions.slice(from, from + left);
      topics.push({
        errorCode: errorCodes.NONE,
        name,
        topicId: topic.topicId,
        isInternal: isInternal(topic),
        partitions: shown.map(({ index }) => describePartition(metadata.image, topic, index)),
        topicAuthorizedOperations: allTopicOperations,
      });
      left -= shown.length;
      if (from + shown.length < topic.partitions.length) {
        nextCursor = { topicName: name, partitionIndex: from + shown.length };
        break;
      }
    }
    return { throttleTimeMs: 0, topics, nextCursor };
  },
);
