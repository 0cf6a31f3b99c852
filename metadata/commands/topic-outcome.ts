import { systemClusterId, topicByName } from "../image/image.ts";
import type { Image, Topic } from "../image/image.ts";
import { rejected } from "./command.ts";
import type { Rejection } from "./command.ts";

/** Kafka's names for what can be wrong with a request about topics; all of them are ErrorNames of protocol/errors.ts. */
export type TopicErrorCode =
  | "UNKNOWN_TOPIC_OR_PARTITION"
  | "UNKNOWN_TOPIC_ID"
  | "INVALID_TOPIC_EXCEPTION"
  | "TOPIC_ALREADY_EXISTS"
  | "INVALID_PARTITIONS"
  | "INVALID_REPLICATION_FACTOR"
  | "INVALID_REPLICA_ASSIGNMENT"
  | "INVALID_CONFIG"
  | "INVALID_REQUEST"
  | "POLICY_VIOLATION";

/** A request about several topics succeeds and fails topic by topic: one outcome each, in the order of the request. */
export type Outcome<Done> = ({ readonly kind: "done" } & Done) | Rejection<TopicErrorCode>;

export type TopicRef = { readonly name: string } | { readonly topicId: string };

/** The topic a tenant means. Other tenants' and internal topics are unknown to it, whatever the id. */
export function findTopic(
  image: Image,
  clusterId: string,
  ref: TopicRef,
): { kind: "found"; topic: Topic } | Rejection<TopicErrorCode> {
  if ("name" in ref) {
    const topic = topicByName(image, clusterId, ref.name);
    if (topic !== undefined) return { kind: "found", topic };
    return rejected(
      "UNKNOWN_TOPIC_OR_PARTITION",
      `no topic is named ${ref.name.slice(0, 249)}`,
      "topic_name",
    );
  }
  const topic = image.topics.get(ref.topicId);
  if (topic?.clusterId === clusterId) return { kind: "found", topic };
  return rejected("UNKNOWN_TOPIC_ID", `no topic has the id ${ref.topicId.slice(0, 100)}`);
}

/** Whether a request may create topics here: the cluster exists and is not on its way out. */
export function checkClusterOpen(
  image: Image,
  clusterId: string,
): Rejection<TopicErrorCode> | null {
  if (clusterId === systemClusterId) return null;
  const cluster = image.clusters.get(clusterId);
  if (cluster === undefined) return rejected("INVALID_REQUEST", "the cluster does not exist");
  if (cluster.state !== "deleting") return null;
  return rejected("INVALID_REQUEST", `cluster ${cluster.name} is being deleted`);
}
