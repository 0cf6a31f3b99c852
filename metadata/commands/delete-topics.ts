import type { Image, Topic } from "../image/image.ts";
import type { MetadataRecord } from "../records/table.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { checkItemCount, findTopic, namedTwice, onlyOutcome } from "./topic-outcome.ts";
import type { Outcome, TopicErrorCode, TopicRef } from "./topic-outcome.ts";

export type DeleteTopicsRequest = {
  readonly clusterId: string;
  readonly topics: readonly TopicRef[];
};

export type DeletedTopic = { readonly topicId: string; readonly name: string };

/** Kafka's DeleteTopics, by name or id: each topic by itself succeeds or fails. Their data goes later (purging). */
export function deleteTopics(
  image: Image,
  request: DeleteTopicsRequest,
  context: CommandContext,
): Decision<Outcome<DeletedTopic>[], TopicErrorCode> {
  const tooMany = checkItemCount(request.topics, "topics");
  if (tooMany !== null) return tooMany;
  const found = request.topics.map((ref) => findTopic(image, request.clusterId, ref));
  const timesNamed = new Map<string, number>();
  for (const topic of found) {
    if (topic.kind !== "found") continue;
    const { topicId } = topic.topic;
    timesNamed.set(topicId, (timesNamed.get(topicId) ?? 0) + 1);
  }
  const deleted: Topic[] = [];
  const outcomes = found.map((topic): Outcome<DeletedTopic> => {
    if (topic.kind === "rejected") return topic;
    const { topicId, name } = topic.topic;
    if ((timesNamed.get(topicId) ?? 0) > 1) {
      return namedTwice(name);
    }
    deleted.push(topic.topic);
    return { kind: "done", topicId, name };
  });
  return accepted(
    deletionRecords(image, request.clusterId, { topics: deleted, context }),
    outcomes,
  );
}

function deletionRecords(
  image: Image,
  clusterId: string,
  { topics, context }: { topics: readonly Topic[]; context: CommandContext },
): MetadataRecord[] {
  const records: MetadataRecord[] = topics.map(({ topicId }) => ({
    kind: "topicDeleted",
    topicId,
    deletedAtMs: context.nowMs,
  }));
  let epoch = image.epochFloors.get(clusterId) ?? -1;
  for (const topic of topics) {
    for (const partition of topic.partitions) epoch = Math.max(epoch, partition.leaderEpoch);
  }
  // Clients that see no topic ids keep ignoring a partition whose epoch went back (reference 2.3).
  if (epoch > (image.epochFloors.get(clusterId) ?? -1)) {
    records.push({ kind: "epochFloor", clusterId, epoch });
  }
  return records;
}

/** One topic, for callers that have one. */
export function deleteTopic(
  image: Image,
  request: { clusterId: string; topic: TopicRef },
  context: CommandContext,
): Decision<DeletedTopic, TopicErrorCode> {
  const { clusterId, topic } = request;
  return onlyOutcome(deleteTopics(image, { clusterId, topics: [topic] }, context));
}

/** Random ids do not compress: these take about 100 KiB. */
const topicsPurgedPerEntry = 5_000;

/** The data of these deleted topics is gone everywhere: forget them. Unknown ids are no error, brokers may report twice. */
export function purgeTopics(
  image: Image,
  request: { topicIds: readonly string[] },
): Decision<null, never> {
  const known = [...new Set(request.topicIds)].filter((id) => image.purgingTopics.has(id));
  const records: MetadataRecord[] = known
    .slice(0, topicsPurgedPerEntry)
    .map((topicId) => ({ kind: "topicPurged", topicId }));
  if (records.length === known.length) return accepted(records, null);
  return { kind: "accepted", records, result: null, isIncomplete: true };
}
