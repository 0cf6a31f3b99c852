import { deleteTopics as deleteTopicsCommand } from "../../metadata/commands/delete-topics.ts";
import type { TopicRef } from "../../metadata/commands/topic-outcome.ts";
import type { DeleteTopicsRequest } from "../../protocol/messages/delete-topics.ts";
import {
  deleteTopicsRequest,
  deleteTopicsResponse,
} from "../../protocol/messages/delete-topics.ts";
import { zeroUuid } from "../../protocol/schema/types.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { errorOfItem, submit } from "./submit.ts";

// Up to v5 by name; v6 by name or id (KIP-516).
export const deleteTopics = kafkaApi(
  deleteTopicsRequest,
  deleteTopicsResponse,
  { versions: [0, 6] },
  async (request, { services, clusterId, apiVersion }: RequestContext<BrokerServices>) => {
    const topics = askedTopics(request, apiVersion);
    const submitted = await submit(services, (image, context) =>
      deleteTopicsCommand(image, { clusterId, topics }, context),
    );
    return {
      throttleTimeMs: 0,
      responses: topics.map((asked, index) => {
        const outcome = submitted.kind === "done" ? submitted.result[index] : undefined;
        const known = outcome?.kind === "done" ? outcome : null;
        const name = known?.name ?? ("name" in asked ? asked.name : null);
        const topicId = known?.topicId ?? ("topicId" in asked ? asked.topicId : zeroUuid);
        // Before v6 the answer has no null name.
        return {
          name: apiVersion < 6 ? (name ?? "") : name,
          topicId,
          ...errorOfItem(submitted, index),
        };
      }),
    };
  },
);

function askedTopics(request: DeleteTopicsRequest, apiVersion: number): TopicRef[] {
  if (apiVersion < 6) return request.topicNames.map((name) => ({ name }));
  return request.topics.map(({ name, topicId }) => (name === null ? { topicId } : { name }));
}
