import { systemClusterId, topicByName } from "../image/image.ts";
import type { Image, Topic } from "../image/image.ts";
import { limits } from "../limits.ts";
import { rejected } from "./command.ts";
import type { Decision, Rejection } from "./command.ts";

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

/** The one outcome of a request about one resource. */
export function onlyOutcome<Done>(
  decision: Decision<Outcome<Done>[], TopicErrorCode>,
): Decision<Done, TopicErrorCode> {
  if (decision.kind === "rejected") return decision;
  const outcome = decision.result[0];
  if (outcome === undefined) throw new Error("one resource has one outcome");
  return outcome.kind === "rejected" ? outcome : { ...decision, result: outcome };
}

/** A request of many items is decided at one go and is one entry. */
export function checkItemCount(
  items: readonly unknown[],
  what: "topics" | "resources",
): Rejection<TopicErrorCode> | null {
  if (items.length <= limits.topicsPerRequest) return null;
  return rejected(
    "POLICY_VIOLATION",
    `the request names ${items.length} ${what}; the limit is ${limits.topicsPerRequest}`,
  );
}

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
      `no topic is named ${ref.name.slice(0, limits.topicNameLength)}`,
      "topic_name",
    );
  }
  const topic = image.topics.get(ref.topicId);
  if (topic?.clusterId === clusterId) return { kind: "found", topic };
  return rejected("UNKNOWN_TOPIC_ID", `no topic has the id ${ref.topicId.slice(0, 100)}`);
}

/** Kafka's way with a name that a request gives twice: none of the two is made. */
export function namedTwice(name: string): Rejection<TopicErrorCode> {
  const shown = name.slice(0, limits.topicNameLength);
  return rejected("INVALID_REQUEST", `the request names topic ${shown} twice`, "topic_name");
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
