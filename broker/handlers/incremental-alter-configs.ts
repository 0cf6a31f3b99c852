import type { ConfigOperation } from "../../metadata/commands/alter-configs.ts";
import { incrementalAlterConfigs as incrementalAlterConfigsCommand } from "../../metadata/commands/alter-configs.ts";
import { errorCodes } from "../../protocol/errors.ts";
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from "../../protocol/messages/incremental-alter-configs.ts";
import type { BrokerServices } from "../services.ts";
import { alterResources } from "./alter-resources.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";

const operations: readonly ConfigOperation[] = ["SET", "DELETE", "APPEND", "SUBTRACT"];

// Versions 0-1 (KIP-339): sets, deletes, appends to and subtracts from single settings.
export const incrementalAlterConfigs = kafkaApi(
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
  { versions: [0, 1] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const unknown = request.resources
      .flatMap(({ configs }) => configs)
      .find(({ configOperation }) => operations[configOperation] === undefined);
    if (unknown !== undefined) {
      const errorMessage = `There is no configuration operation ${unknown.configOperation}.`;
      const responses = request.resources.map(({ resourceType, resourceName }) => ({
        errorCode: errorCodes.INVALID_REQUEST,
        errorMessage,
        resourceType,
        resourceName,
      }));
      return { throttleTimeMs: 0, responses };
    }
    const responses = await alterResources(
      services,
      request.resources,
      (accepted) => (image) =>
        incrementalAlterConfigsCommand(image, {
          clusterId,
          isValidateOnly: request.validateOnly,
          resources: accepted.map(({ resource, asked }) => ({
            resource,
            changes: asked.configs.map(({ name, configOperation, value }) => ({
              name,
              operation: operations[configOperation] ?? "SET",
              value,
            })),
          })),
        }),
    );
    return { throttleTimeMs: 0, responses };
  },
);
