import type { Topic } from "../../metadata/image/image.ts";
import { errorCodes } from "../../protocol/errors.ts";
import type { ErrorName } from "../../protocol/errors.ts";
import type { OffsetCommitRequest } from "../../protocol/messages/offset-commit.ts";
import {
  offsetCommitRequest,
  offsetCommitResponse,
} from "../../protocol/messages/offset-commit.ts";
import type { CommittedPartition } from "../groups/offsets.ts";
import { groupClientOf } from "./group-client.ts";
import type { GroupRequestContext } from "./group-client.ts";
import { askedTopic } from "./group-topics.ts";
import { kafkaApi } from "./kafka-api.ts";
import { lookForUnknown } from "./submit.ts";

// v1: members. v2-4: a retention time of its own. v6: leader epochs (KIP-320). v7: static members (KIP-345). v9: an unknown group is GROUP_ID_NOT_FOUND (KIP-848).
// v10: topic ids. v0 went to ZooKeeper in its day and is taken as a commit of no member. Answered when the offsets are committed to the log.
export const offsetCommit = kafkaApi(
  offsetCommitRequest,
  offsetCommitResponse,
  { versions: [0, 10], refuse: refuseAll },
  async (request, context: GroupRequestContext) => {
    if (request.topics.some((asked) => askedTopic(asked, context) === undefined))
      await lookForUnknown(context.services);
    const topics = request.topics.map((asked) => ({ asked, topic: askedTopic(asked, context) }));
    const known: CommittedPartition[] = topics.flatMap(({ asked, topic }) =>
      topic === undefined ? [] : partitionsOf(asked, topic),
    );
    const {
      groupId,
      memberId,
      groupInstanceId,
      generationIdOrMemberEpoch: generationId,
      retentionTimeMs,
    } = request;
    const commit = {
      groupId,
      memberId,
      groupInstanceId,
      generationId,
      retentionTimeMs,
      partitions: known,
    };
    const errors = (
      await context.services.groups.commitOffsets(commit, groupClientOf(context))
    ).values();
    const unknownTopic: ErrorName =
      context.apiVersion >= 10 ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION";
    return {
      throttleTimeMs: 0,
      topics: topics.map(({ asked, topic }) => ({
        name: asked.name,
        topicId: asked.topicId,
        partitions: asked.partitions.map(({ partitionIndex }) => {
          const error =
            topic === undefined
              ? unknownTopic
              : hasPartition(topic, partitionIndex)
                ? errors.next().value
                : "UNKNOWN_TOPIC_OR_PARTITION";
          return { partitionIndex, errorCode: errorCodes[error ?? "UNKNOWN_SERVER_ERROR"] };
        }),
      })),
    };
  },
);

/** In the request's order, which is that of the errors the coordinator answers with. */
/** The response has no error code but those of its partitions. */
function refuseAll({ topics }: OffsetCommitRequest, error: ErrorName) {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: errorCodes[error],
      })),
    })),
  };
}

function partitionsOf(
  asked: OffsetCommitRequest["topics"][number],
  topic: Topic,
): CommittedPartition[] {
  return asked.partitions
    .filter(({ partitionIndex }) => hasPartition(topic, partitionIndex))
    .map((each) => ({
      topic: topic.name,
      topicId: topic.topicId,
      partition: each.partitionIndex,
      offset: each.committedOffset,
      leaderEpoch: each.committedLeaderEpoch,
      metadata: each.committedMetadata ?? "",
    }));
}

function hasPartition(topic: Topic, index: number): boolean {
  return topic.partitions[index] !== undefined;
}
