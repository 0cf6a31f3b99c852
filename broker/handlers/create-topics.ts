import type { CreatedTopic, NewTopic } from "../../metadata/commands/create-topics.ts";
import { createTopics as createTopicsCommand } from "../../metadata/commands/create-topics.ts";
import type { Outcome } from "../../metadata/commands/topic-outcome.ts";
import { resolveTopicSettings } from "../../metadata/settings/topic-settings.ts";
import { errorCodes } from "../../protocol/errors.ts";
import type { CreateTopicsRequest } from "../../protocol/messages/create-topics.ts";
import {
  createTopicsRequest,
  createTopicsResponse,
} from "../../protocol/messages/create-topics.ts";
import { zeroUuid } from "../../protocol/schema/types.ts";
import type { BrokerServices } from "../services.ts";
import { configSources } from "./config-entries.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import type { Submitted } from "./submit.ts";
import { errorOfItem, seenByAll, submit } from "./submit.ts";

type Asked = CreateTopicsRequest["topics"][number];

// v1: messages and validate_only. v4: -1 asks for the cluster's defaults. v5: the answer shows the resulting settings (KIP-525). v7: and the id.
export const createTopics = kafkaApi(
  createTopicsRequest,
  createTopicsResponse,
  { versions: [0, 7] },
  async (request, { services, clusterId, apiVersion }: RequestContext<BrokerServices>) => {
    const topics = request.topics.map((topic) => newTopic(topic));
    const submitted = await submit(services, (image, context) =>
      createTopicsCommand(
        image,
        { clusterId, topics, isValidateOnly: request.validateOnly },
        context,
      ),
    );
    // Clients ask any broker next: whoever answers shall know the topic.
    await seenByAll(services, submitted, request.timeoutMs);
    return {
      throttleTimeMs: 0,
      topics: request.topics.map((asked, index) => {
        const error = errorOfItem(submitted, index);
        const created = createdAt(submitted, index);
        if (created === null)
          return {
            name: asked.name,
            topicId: zeroUuid,
            ...error,
            topicConfigErrorCode: errorCodes.NONE,
          };
        return {
          name: asked.name,
          ...error,
          ...described(services, clusterId, created, apiVersion),
        };
      }),
    };
  },
);

function newTopic({
  name,
  numPartitions,
  replicationFactor,
  assignments,
  configs,
}: Asked): NewTopic {
  return {
    name,
    // 0 is a wrong count, not a missing one.
    partitionCount: numPartitions,
    replicationFactor,
    ...(assignments.length === 0
      ? {}
      : {
          assignments: assignments.map(({ partitionIndex, brokerIds }) => ({
            index: partitionIndex,
            brokerIds,
          })),
        }),
    configs: Object.fromEntries(configs.map(({ name: setting, value }) => [setting, value])),
  };
}

function createdAt(
  submitted: Submitted<Outcome<CreatedTopic>[]>,
  index: number,
): CreatedTopic | null {
  const outcome = submitted.kind === "done" ? submitted.result[index] : undefined;
  return outcome?.kind === "done" ? outcome : null;
}

function described(
  services: BrokerServices,
  clusterId: string,
  created: CreatedTopic,
  apiVersion: number,
) {
  const { topicId, partitionCount, replicationFactor, configs } = created;
  const shown = {
    topicId,
    numPartitions: partitionCount,
    replicationFactor,
    topicConfigErrorCode: errorCodes.NONE,
  };
  if (apiVersion < 5) return shown;
  const clusterDefaults = services.metadata.image.clusters.get(clusterId)?.defaults ?? {};
  const settings = resolveTopicSettings({ configs, clusterDefaults, replicationFactor });
  return {
    ...shown,
    configs: settings.map(({ name, value, source, isReadOnly, isSensitive }) => ({
      name,
      value,
      readOnly: isReadOnly,
      configSource: configSources[source],
      isSensitive,
    })),
  };
}
