import { errorCodes } from "../../protocol/errors.ts";
import type { OffsetFetchRequest } from "../../protocol/messages/offset-fetch.ts";
import { offsetFetchRequest, offsetFetchResponse } from "../../protocol/messages/offset-fetch.ts";
import { zeroUuid } from "../../protocol/schema/types.ts";
import { topicByName } from "../../metadata/image/image.ts";
import type { KeptOffset } from "../groups/kept.ts";
import type { FetchReply } from "../groups/offsets.ts";
import { groupClientOf } from "./group-client.ts";
import type { GroupRequestContext } from "./group-client.ts";
import { askedTopic } from "./group-topics.ts";
import { kafkaApi } from "./kafka-api.ts";
import { lookForUnknown } from "./submit.ts";

type AskedGroup = OffsetFetchRequest["groups"][number];
type AskedTopics = NonNullable<AskedGroup["topics"]>;

// v2: null topics mean all, and an error for the whole. v5: leader epochs. v7: requireStable (KIP-447), which has nothing to wait for until there are transactions. v8: several
// groups (KIP-709). v9: member and epoch (KIP-848), not checked for classic groups, as in Kafka. v10: topic ids. What was never committed has offset -1 and no error.
export const offsetFetch = kafkaApi(
  offsetFetchRequest,
  offsetFetchResponse,
  { versions: [0, 10] },
  async (request, context: GroupRequestContext) => {
    if (context.apiVersion >= 8) {
      const asked = new Set<string>();
      const groups = request.groups.map(async (group) => {
        // Once each: a small request that repeats a large group would otherwise fill the memory.
        if (asked.has(group.groupId))
          return { groupId: group.groupId, topics: [], errorCode: errorCodes.INVALID_REQUEST };
        asked.add(group.groupId);
        return fetchGroup(group, context);
      });
      return { throttleTimeMs: 0, groups: await Promise.all(groups) };
    }
    const topics = request.topics?.map((each) => ({ ...each, topicId: zeroUuid })) ?? null;
    const only = await fetchGroup(
      { groupId: request.groupId, memberId: null, memberEpoch: -1, topics },
      context,
    );
    return { throttleTimeMs: 0, topics: only.topics, errorCode: only.errorCode };
  },
);

async function fetchGroup({ groupId, topics }: AskedGroup, context: GroupRequestContext) {
  if (
    context.apiVersion >= 10 &&
    topics?.some((asked) => askedTopic(asked, context) === undefined) === true
  )
    await lookForUnknown(context.services);
  const names = topics?.map((asked) => askedTopic(asked, context)?.name ?? asked.name) ?? null;
  const { cell, groups } = context.services;
  // A coordinator that may have been replaced would tell of commits that are not the last.
  const reply: FetchReply = cell.serving.reads
    ? await groups.fetchOffsets(groupId, groupClientOf(context), names)
    : { error: "NOT_COORDINATOR" };
  if (reply.error === "NONE") {
    const shaped = topics === null ? allTopics(reply, context) : someTopics(topics, reply, context);
    return { groupId, topics: shaped, errorCode: errorCodes.NONE };
  }
  const errorCode = errorCodes[reply.error];
  // Before v2 there is no error but the partitions'.
  const failed =
    context.apiVersion >= 2
      ? []
      : (topics ?? []).map(({ name, topicId, partitionIndexes }) => ({
          name,
          topicId,
          partitions: partitionIndexes.map((partitionIndex) =>
            shapePartition(partitionIndex, null, errorCode),
          ),
        }));
  return { groupId, topics: failed, errorCode };
}

type Found = Extract<FetchReply, { error: "NONE" }>;

function someTopics(topics: AskedTopics, reply: Found, context: GroupRequestContext) {
  return topics.map((asked) => {
    const topic = askedTopic(asked, context);
    const isUnknownId = context.apiVersion >= 10 && topic === undefined;
    const errorCode = isUnknownId ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.NONE;
    const name = topic?.name ?? asked.name;
    return {
      name: asked.name,
      topicId: asked.topicId,
      partitions: asked.partitionIndexes.map((index) =>
        shapePartition(index, isUnknownId ? null : reply.find(name, index), errorCode),
      ),
    };
  });
}

function allTopics(reply: Found, { services, clusterId }: GroupRequestContext) {
  const byTopic = Map.groupBy(reply.all(), ({ topic }) => topic);
  return [...byTopic].map(([name, offsets]) => ({
    name,
    topicId: topicByName(services.metadata.image, clusterId, name)?.topicId ?? zeroUuid,
    partitions: offsets.map(({ partition, offset }) =>
      shapePartition(partition, offset, errorCodes.NONE),
    ),
  }));
}

function shapePartition(partitionIndex: number, found: KeptOffset | null, errorCode: number) {
  return {
    partitionIndex,
    committedOffset: found?.offset ?? -1,
    committedLeaderEpoch: found?.leaderEpoch ?? -1,
    metadata: found?.metadata ?? "",
    errorCode,
  };
}
