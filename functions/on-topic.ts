import { rejected } from "../metadata/commands/command.ts";
import type { Command, CommandContext, Decision } from "../metadata/commands/command.ts";
import { findTopic } from "../metadata/commands/topic-outcome.ts";
import type { TopicErrorCode } from "../metadata/commands/topic-outcome.ts";
import type { Image, Topic } from "../metadata/image/image.ts";
import { etagOf, expectedRevision } from "./etag.ts";

export type TopicTarget = {
  clusterId: string;
  topicName: string;
  ifMatch?: string | undefined;
};

export type OnTopic<Result> = {
  result: Result;
  /** As it was before the change. */
  topic: Topic;
  /** The topic's revision after the change, for its ETag. */
  revision: number;
};

export type TargetErrorCode = "CLUSTER_NOT_FOUND" | "PRECONDITION_FAILED" | TopicErrorCode;

/** A command on one topic, which must exist and, where asked for, be unchanged: judged on the image the command decides on. */
export function onTopic<Result>(
  target: TopicTarget,
  command: (
    image: Image,
    topic: Topic,
    context: CommandContext,
  ) => Decision<Result, TopicErrorCode>,
): Command<OnTopic<Result>, TargetErrorCode> {
  return (image, context) => {
    const { clusterId, topicName, ifMatch } = target;
    if (!image.clusters.has(clusterId)) return clusterMissing(clusterId);
    const found = findTopic(image, clusterId, { name: topicName });
    if (found.kind === "rejected") return found;
    const { topic } = found;
    const expected = expectedRevision(ifMatch, topic.revision);
    if (expected !== undefined && expected !== topic.revision) {
      return rejected(
        "PRECONDITION_FAILED",
        `topic ${topic.name} has the ETag ${etagOf(topic)} now`,
      );
    }
    const decision = command(image, topic, context);
    if (decision.kind === "rejected") return decision;
    const revision = decision.records.length > 0 ? context.revision : topic.revision;
    return { ...decision, result: { result: decision.result, topic, revision } };
  };
}

export function clusterMissing(
  clusterId: string,
): ReturnType<typeof rejected<"CLUSTER_NOT_FOUND">> {
  return rejected("CLUSTER_NOT_FOUND", `no cluster has the id ${clusterId.slice(0, 100)}`);
}
