import { z } from "zod";
import { alterConfigs } from "../../metadata/commands/alter-configs.ts";
import type { Command } from "../../metadata/commands/command.ts";
import { createPartitions } from "../../metadata/commands/create-partitions.ts";
import { createTopic } from "../../metadata/commands/create-topics.ts";
import type { CreatedTopic } from "../../metadata/commands/create-topics.ts";
import { deleteTopics } from "../../metadata/commands/delete-topics.ts";
import { onlyOutcome } from "../../metadata/commands/topic-outcome.ts";
import type { TopicErrorCode } from "../../metadata/commands/topic-outcome.ts";
import { topicByName } from "../../metadata/image/image.ts";
import type { Topic } from "../../metadata/image/image.ts";
import { given } from "../given.ts";
import { adoptedId, idOf, isAsAdopted } from "./adopted.ts";
import type { ResourceContext } from "./resource-context.ts";
import { orThrow, submit, submitOnce, wasMadeBy } from "./resource-context.ts";
import type { ResourceAnswer, ResourceEvent } from "./resource-event.ts";
import { propertiesOf, ResourceError } from "./resource-event.ts";

const count = (what: string) =>
  z
    .union([z.string(), z.number()])
    .transform(Number)
    .refine(Number.isSafeInteger, { error: `it should be a number of ${what}` });

const topicProperties = z.object({
  clusterId: z.string({ error: "clusterId is the cluster's id" }),
  topicName: z.string({ error: "topicName is the topic's name" }),
  partitionsCount: count("partitions").optional(),
  replicationFactor: count("replicas").optional(),
  /** By Kafka's names. All of them: what is not named has its default. */
  configs: z.record(z.string(), z.string()).optional(),
  /** One that has the name already is this one, and keeps what the template does not name. */
  adopt: z.enum(["true", "false"]).optional(),
});

type Deletion = ResourceEvent & { RequestType: "Delete" };

type TopicProperties = z.infer<typeof topicProperties>;

/** `Custom::MyelinTopic`; the physical id is `<cluster id>/<topic id>`, so that another topic of the same name is another resource, with what adopted.ts adds. */
export async function topicResource(
  context: ResourceContext,
  event: ResourceEvent,
): Promise<ResourceAnswer> {
  if (event.RequestType === "Delete") return remove(context, event);
  const { RequestId: requestId, ResourceProperties: asked } = event;
  const properties = propertiesOf(topicProperties, asked);
  const isCreation = event.RequestType === "Create";
  if (isCreation && (properties.adopt !== "true" || (await wasMadeBy(context, requestId))))
    return create(context, requestId, properties);
  await context.replica.readToHead();
  const { clusterId, topicName } = properties;
  const topic = isCreation
    ? topicByName(context.replica.image, clusterId, topicName)
    : topicOf(context, event.PhysicalResourceId);
  // Another name or cluster is another topic; one that somebody else deleted is wanted still.
  const isSame = topic?.name === properties.topicName && topic.clusterId === properties.clusterId;
  if (topic === undefined || !isSame) return create(context, requestId, properties);
  await change(context, topic, properties);
  const { PhysicalResourceId: id, ...answered } = answer(topic.clusterId, topic.topicId);
  const physicalId = isCreation ? adoptedId(id, asked) : event.PhysicalResourceId;
  return { PhysicalResourceId: physicalId, ...answered };
}

const answer = (clusterId: string, topicId: string): ResourceAnswer => ({
  PhysicalResourceId: `${clusterId}/${topicId}`,
  Data: { TopicId: topicId },
});

async function create(
  context: ResourceContext,
  requestId: string,
  properties: TopicProperties,
): Promise<ResourceAnswer> {
  const { clusterId, topicName: name, partitionsCount, replicationFactor, configs } = properties;
  const topic = {
    name,
    ...given({ partitionCount: partitionsCount, replicationFactor, configs }),
  };
  const topicId = await submitOnce(
    context,
    { id: requestId, properties, idOf: (created: CreatedTopic) => created.topicId },
    (image, at) => createTopic(image, { clusterId, topic }, at),
  );
  return answer(clusterId, topicId);
}

/** Each part by itself: what was done already is found done by a request that comes again. */
async function change(
  context: ResourceContext,
  { clusterId, topicId, name, partitions, requestedReplicationFactor }: Topic,
  { partitionsCount, replicationFactor, configs = {}, adopt }: TopicProperties,
): Promise<void> {
  if (replicationFactor !== undefined && replicationFactor !== requestedReplicationFactor) {
    const how = "myelin cell move TOPIC --replicas ... --change-factor";
    throw new ResourceError(`the replication factor of a topic is not changed here: ${how} does`);
  }
  if (partitionsCount !== undefined && partitionsCount < partitions.length) {
    throw new ResourceError(
      `partitionsCount is ${partitionsCount}; topic ${name} has ${partitions.length}, and partitions are never taken away`,
    );
  }
  if (partitionsCount !== undefined && partitionsCount > partitions.length) {
    orThrow(await submit(context, growth(clusterId, topicId, { name, partitionsCount })));
  }
  const alter: Command<unknown, TopicErrorCode> = (image, at) => {
    // Who has taken a topic over does not know how it was set: its records may be kept by that.
    const kept = adopt === "true" ? image.topics.get(topicId)?.configs : {};
    const resource = { kind: "topic" as const, name };
    const resources = [{ resource, configs: { ...kept, ...configs } }];
    return onlyOutcome(alterConfigs(image, { clusterId, resources }, at));
  };
  orThrow(await submit(context, alter));
}

function growth(
  clusterId: string,
  topicId: string,
  { name, partitionsCount }: { name: string; partitionsCount: number },
): Command<unknown, TopicErrorCode> {
  return (image) => {
    const has = image.topics.get(topicId)?.partitions.length ?? 0;
    if (has >= partitionsCount) return { kind: "accepted", records: [], result: null };
    const topics = [{ name, partitionCount: partitionsCount }];
    return onlyOutcome(createPartitions(image, { clusterId, topics }));
  };
}

async function remove(
  context: ResourceContext,
  { PhysicalResourceId: physicalId, ResourceProperties: properties }: Deletion,
): Promise<ResourceAnswer> {
  const answered = { PhysicalResourceId: physicalId };
  const [clusterId = "", topicId] = idOf(physicalId).split("/");
  // Of a creation that failed: there is nothing.
  if (topicId === undefined || isAsAdopted(physicalId, properties)) return answered;
  const deleted = await submit(context, (image, at) =>
    onlyOutcome(deleteTopics(image, { clusterId, topics: [{ topicId }] }, at)),
  );
  if (deleted.kind === "rejected" && deleted.error !== "UNKNOWN_TOPIC_ID")
    throw new ResourceError(deleted.message);
  return answered;
}

function topicOf({ replica }: ResourceContext, physicalId: string): Topic | undefined {
  const [clusterId, topicId = ""] = idOf(physicalId).split("/");
  const topic = replica.image.topics.get(topicId);
  return topic?.clusterId === clusterId ? topic : undefined;
}
