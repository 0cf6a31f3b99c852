import type { ConfigChange, ConfigOperation } from "../../metadata/commands/alter-configs.ts";
import { incrementalAlterConfigs as incrementalAlterConfigsCommand } from "../../metadata/commands/alter-configs.ts";
import { errorCodes } from "../../protocol/errors.ts";
import type { IncrementalAlterConfigsRequest } from "../../protocol/messages/incremental-alter-configs.ts";
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from "../../protocol/messages/incremental-alter-configs.ts";
import type { BrokerServices } from "../services.ts";
import { alterableResource } from "./config-resource.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { submitEach } from "./submit-each.ts";

type Asked = IncrementalAlterConfigsRequest["resources"][number];

/** By Kafka's id. */
const operations: readonly ConfigOperation[] = ["SET", "DELETE", "APPEND", "SUBTRACT"];

// Versions 0-1 (KIP-339): sets, deletes, appends to and subtracts from single settings.
export const incrementalAlterConfigs = kafkaApi(
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
  { versions: [0, 1] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const answers = await submitEach(services, request.resources, {
      judge,
      command: (resources) => (image) =>
        incrementalAlterConfigsCommand(image, {
          clusterId,
          isValidateOnly: request.validateOnly,
          resources,
        }),
    });
    return {
      throttleTimeMs: 0,
      responses: answers.map(({ asked: { resourceType, resourceName }, error }) => ({
        ...error,
        resourceType,
        resourceName,
      })),
    };
  },
);

function judge({ resourceType, resourceName, configs }: Asked) {
  const judged = alterableResource(resourceType, resourceName);
  if (judged.kind === "refused") return judged;
  const changes: ConfigChange[] = [];
  for (const { name, configOperation, value } of configs) {
    const operation = operations[configOperation];
    if (operation === undefined) {
      const errorMessage = `There is no configuration operation ${configOperation}.`;
      const error = { errorCode: errorCodes.INVALID_REQUEST, errorMessage };
      return { kind: "refused" as const, error };
    }
    changes.push({ name, operation, value });
  }
  return { kind: "item" as const, item: { resource: judged.resource, changes } };
}
