import { topicNameProblem } from "../../metadata/commands/topic-name.ts";
import { topicByName } from "../../metadata/image/image.ts";
import {
  resolveBrokerSettings,
  resolveClusterDefaults,
} from "../../metadata/settings/broker-settings.ts";
import type { ResolvedSetting } from "../../metadata/settings/setting.ts";
import {
  resolveTopicSettings,
  topicSettingLayers,
} from "../../metadata/settings/topic-settings.ts";
import type { ErrorName } from "../../protocol/errors.ts";
import { errorCodes } from "../../protocol/errors.ts";
import type { DescribeConfigsRequest } from "../../protocol/messages/describe-configs.ts";
import {
  describeConfigsRequest,
  describeConfigsResponse,
} from "../../protocol/messages/describe-configs.ts";
import type { BrokerServices } from "../services.ts";
import { configEntry, resourceTypes } from "./config-entries.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { lookForUnknown } from "./submit.ts";

type Context = RequestContext<BrokerServices>;
type Resource = DescribeConfigsRequest["resources"][number];
type Found =
  | { kind: "settings"; settings: ResolvedSetting[] }
  | { kind: "error"; error: ErrorName; message: string };

// v0 says is_default where v1 says the source; v1 adds synonyms, v3 types and documentation.
export const describeConfigs = kafkaApi(
  describeConfigsRequest,
  describeConfigsResponse,
  { versions: [0, 4] },
  async (request, context: Context) => {
    if (request.resources.some((resource) => isUnknownTopic(resource, context)))
      await lookForUnknown(context.services);
    const show = { synonyms: request.includeSynonyms, documentation: request.includeDocumentation };
    // Named twice, a resource is described once: an answer is a hundred times the question.
    const distinct = new Map(
      request.resources.map((each) => [`${each.resourceType}:${each.resourceName}`, each]),
    );
    return {
      throttleTimeMs: 0,
      results: [...distinct.values()].map((resource) => describeResource(resource, context, show)),
    };
  },
);

function describeResource(
  resource: Resource,
  context: Context,
  show: { synonyms: boolean; documentation: boolean },
) {
  const { resourceType, resourceName, configurationKeys } = resource;
  const found = settingsOf(resource, context);
  if (found.kind === "error") {
    const { error, message: errorMessage } = found;
    return {
      errorCode: errorCodes[error],
      errorMessage,
      resourceType,
      resourceName,
      configs: [],
    };
  }
  // Kafka takes an empty list of names for all, too.
  const isAll = configurationKeys === null || configurationKeys.length === 0;
  const keys = new Set(configurationKeys);
  const shown = found.settings.filter(({ name }) => isAll || keys.has(name));
  return {
    errorCode: errorCodes.NONE,
    errorMessage: null,
    resourceType,
    resourceName,
    configs: shown.map((setting) => configEntry(setting, show)),
  };
}

function isUnknownTopic(
  { resourceType, resourceName }: Resource,
  { services, clusterId }: Context,
): boolean {
  return (
    resourceType === resourceTypes.topic &&
    topicByName(services.metadata.image, clusterId, resourceName) === undefined
  );
}

function settingsOf(
  { resourceType, resourceName }: Resource,
  { services, clusterId }: Context,
): Found {
  const { image } = services.metadata;
  switch (resourceType) {
    case resourceTypes.topic: {
      const topic = topicByName(image, clusterId, resourceName);
      if (topic === undefined) return unknownTopic(resourceName);
      return { kind: "settings", settings: resolveTopicSettings(topicSettingLayers(image, topic)) };
    }
    case resourceTypes.broker: {
      if (resourceName === "")
        return { kind: "settings", settings: resolveClusterDefaults(image, clusterId) };
      if (resourceName !== String(services.brokerId)) {
        const message = `This broker is ${services.brokerId}; settings of broker ${resourceName} are asked of that broker.`;
        return { kind: "error", error: "INVALID_REQUEST", message };
      }
      return {
        kind: "settings",
        settings: resolveBrokerSettings(image, clusterId, services.startedWith),
      };
    }
    case resourceTypes.brokerLogger:
    case resourceTypes.clientMetrics:
    case resourceTypes.group:
      // Nothing of the kind can be set yet, so nothing is set.
      return { kind: "settings", settings: [] };
    default:
      return {
        kind: "error",
        error: "INVALID_REQUEST",
        message: `There are no resources of type ${resourceType}.`,
      };
  }
}

function unknownTopic(name: string): Found {
  const problem = topicNameProblem(name);
  return problem === null
    ? { kind: "error", error: "UNKNOWN_TOPIC_OR_PARTITION", message: `There is no topic ${name}.` }
    : { kind: "error", error: "INVALID_TOPIC_EXCEPTION", message: problem };
}
