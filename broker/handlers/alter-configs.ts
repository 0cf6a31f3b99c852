import { alterConfigs as alterConfigsCommand } from "../../metadata/commands/alter-configs.ts";
import {
  alterConfigsRequest,
  alterConfigsResponse,
} from "../../protocol/messages/alter-configs.ts";
import type { BrokerServices } from "../services.ts";
import { alterResources } from "./alter-resources.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";

// Versions 0-2. Replaces all settings of the resource: what is not named goes back to its default.
export const alterConfigs = kafkaApi(
  alterConfigsRequest,
  alterConfigsResponse,
  { versions: [0, 2] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const responses = await alterResources(
      services,
      request.resources,
      (accepted) => (image) =>
        alterConfigsCommand(image, {
          clusterId,
          isValidateOnly: request.validateOnly,
          resources: accepted.map(({ resource, asked }) => ({
            resource,
            configs: Object.fromEntries(asked.configs.map(({ name, value }) => [name, value])),
          })),
        }),
    );
    return { throttleTimeMs: 0, responses };
  },
);
