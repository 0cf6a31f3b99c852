import { createTopics } from "../../metadata/commands/create-topics.ts";
import type { Image, Topic } from "../../metadata/image/image.ts";
import { topicByName, topicsOfCluster } from "../../metadata/image/image.ts";
import { topicNameProblem } from "../../metadata/commands/topic-name.ts";
import { brokerSettings } from "../../metadata/settings/broker-settings.ts";
import { errorCodes } from "../../protocol/errors.ts";
import type { MetadataRequest } from "../../protocol/messages/metadata.ts";
import { metadataRequest, metadataResponse } from "../../protocol/messages/metadata.ts";
import { zeroUuid } from "../../protocol/schema/types.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { errorOfItem, lookForUnknown, submit } from "./submit.ts";
import {
  allClusterOperations,
  allTopicOperations,
  describePartition,
  isInternal,
  nodeEndpoints,
  operationsNotRequested,
} from "./topic-description.ts";

type Context = RequestContext<BrokerServices>;
type AskedTopic = { topicId: string; name: string | null };

// v0: an empty list means all topics; from v1 null does. v4: the client may refuse automatic creation. v10: topic ids in answers. v12: questions by
// id (KIP-516). v13: a top-level error. Topics are created before the answer, so the first answer already has leaders (Kafka answers 3 first).
export const metadata = kafkaApi(
  metadataRequest,
  metadataResponse,
  { versions: [0, 13] },
  async (request, context: Context) => {
    const { services, clusterId, apiVersion } = context;
    const asked = askedTopics(request, apiVersion);
    if (asked === "invalid") return refusal(request, context);
    if (asked !== null) await makeKnown(asked, request.allowAutoTopicCreation, context);
    const { image } = services.metadata;
    const withOperations = request.includeTopicAuthorizedOperations;
    const topics =
      asked === null
        ? topicsOfCluster(image, clusterId).map((topic) =>
            describeTopic(image, topic, withOperations),
          )
        : asked.map((each) => describeAsked(image, clusterId, each, withOperations));
    return {
      ...about(context),
      topics,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? allClusterOperations
        : operationsNotRequested,
      errorCode: errorCodes.NONE,
    };
  },
);

/** What every answer says, errors too: a client that is told of no brokers has nowhere left to ask. */
function about({ services, clusterId }: Context) {
  const { image } = services.metadata;
  const cluster = image.clusters.get(clusterId);
  return {
    throttleTimeMs: 0,
    brokers: cluster === undefined ? [] : nodeEndpoints(image, cluster),
    clusterId,
    controllerId: services.brokerId,
  };
}

/** The whole request is wrong: said of each of its topics, as Kafka does where there is no error code at the top (before v13). */
function refusal({ topics }: MetadataRequest, context: Context) {
  const errorCode = errorCodes.INVALID_REQUEST;
  const refused = (topics ?? []).map(({ name, topicId }) => ({
    errorCode,
    name: name ?? "",
    topicId,
    partitions: [],
  }));
  return { ...about(context), topics: refused, errorCode };
}

/** Null: all topics. Named twice, a topic is described once. */
function askedTopics(
  { topics }: MetadataRequest,
  apiVersion: number,
): AskedTopic[] | null | "invalid" {
  if (topics === null || (apiVersion === 0 && topics.length === 0)) return null;
  // Kafka: v10 and v11 carry ids but do not take questions by them.
  const isWrong = ({ topicId, name }: AskedTopic): boolean =>
    (apiVersion < 12 && topicId !== zeroUuid) || (name === null && topicId === zeroUuid);
  if (topics.some(isWrong)) return "invalid";
  const distinct = new Map(topics.map((each) => [`${each.topicId}:${each.name ?? ""}`, each]));
  return [...distinct.values()];
}

/** Reads the metadata log's head for what is unknown, then creates what may be created. */
async function makeKnown(
  asked: readonly AskedTopic[],
  mayCreate: boolean,
  context: Context,
): Promise<void> {
  const { services, clusterId } = context;
  if (unknownOf(asked, context).length === 0) return;
  await lookForUnknown(services);
  const missing = unknownOf(asked, context).flatMap(({ name }) => (name === null ? [] : [name]));
  const isAllowed =
    mayCreate && brokerSettings(services.metadata.image, clusterId).isAutoCreateTopicsEnabled;
  if (!isAllowed || missing.length === 0) return;
  const names = [...new Set(missing)].filter((name) => topicNameProblem(name) === null);
  if (names.length === 0) return;
  const submitted = await submit(services, (image, commandContext) =>
    createTopics(image, { clusterId, topics: names.map((name) => ({ name })) }, commandContext),
  );
  // The client hears UNKNOWN_TOPIC_OR_PARTITION, as of Kafka; why is said here.
  if (submitted.kind === "refused") {
    const why = submitted.error.errorMessage;
    services.log.warn("could not create topics on demand", { names, why });
    return;
  }
  for (const [index, name] of names.entries()) {
    const { errorCode, errorMessage: why } = errorOfItem(submitted, index);
    if (errorCode === errorCodes.NONE || errorCode === errorCodes.TOPIC_ALREADY_EXISTS) continue;
    services.log.debug("a topic could not be created on demand", { topic: name, why });
  }
}

function unknownOf(asked: readonly AskedTopic[], { services, clusterId }: Context): AskedTopic[] {
  return asked.filter((each) => findAsked(services.metadata.image, clusterId, each) === undefined);
}

function findAsked(
  image: Image,
  clusterId: string,
  { topicId, name }: AskedTopic,
): Topic | undefined {
  if (name !== null) return topicByName(image, clusterId, name);
  const topic = image.topics.get(topicId);
  return topic?.clusterId === clusterId ? topic : undefined;
}

function describeAsked(
  image: Image,
  clusterId: string,
  asked: AskedTopic,
  withOperations: boolean,
) {
  const topic = findAsked(image, clusterId, asked);
  if (topic !== undefined) return describeTopic(image, topic, withOperations);
  const { name, topicId } = asked;
  if (name === null)
    return { errorCode: errorCodes.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] };
  const isLegal = topicNameProblem(name) === null;
  const errorCode = isLegal
    ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    : errorCodes.INVALID_TOPIC_EXCEPTION;
  return { errorCode, name, topicId: zeroUuid, partitions: [] };
}

function describeTopic(image: Image, topic: Topic, withOperations: boolean) {
  return {
    errorCode: errorCodes.NONE,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: isInternal(topic),
    partitions: topic.partitions.map(({ index }) => describePartition(image, topic, index)),
    topicAuthorizedOperations: withOperations ? allTopicOperations : operationsNotRequested,
  };
}
