import { alterConfigs as alterConfigsCommand } from "../../metadata/commands/alter-configs.ts";
import {
  alterConfigsRequest,
  alterConfigsResponse,
} from "../../protocol/messages/alter-configs.ts";
import type { BrokerServices } from "../services.ts";
import { alterableResource } from "./config-resource.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { submitEach } from "./submit-each.ts";

// Versions 0-2. Replaces all settings of the resource: what is not named goes back to its default.
export const alterConfigs = kafkaApi(
  alterConfigsRequest,
  alterConfigsResponse,
  { versions: [0, 2] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const answers = await submitEach(services, request.resources, {
      judge({ resourceType, resourceName, configs: given }) {
        const judged = alterableResource(resourceType, resourceName);
        if (judged.kind === "refused") return judged;
        const configs = Object.fromEntries(given.map(({ name, value }) => [name, value]));
        return { kind: "item", item: { resource: judged.resource, configs } };
      },
      command: (resources) => (image) =>
        alterConfigsCommand(image, { clusterId, isValidateOnly: request.validateOnly, resources }),
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
