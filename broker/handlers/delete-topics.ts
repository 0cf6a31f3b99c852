import { deleteTopics as deleteTopicsCommand } from "../../metadata/commands/delete-topics.ts";
import type { TopicRef } from "../../metadata/commands/topic-outcome.ts";
import { errorCodes } from "../../protocol/errors.ts";
import type { DeleteTopicsRequest } from "../../protocol/messages/delete-topics.ts";
import {
  deleteTopicsRequest,
  deleteTopicsResponse,
} from "../../protocol/messages/delete-topics.ts";
import { zeroUuid } from "../../protocol/schema/types.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import type { Judged } from "./submit-each.ts";
import { submitEach } from "./submit-each.ts";

type Asked = { name: string | null; topicId: string };

// Up to v5 by name; v6 by name or id (KIP-516).
export const deleteTopics = kafkaApi(
  deleteTopicsRequest,
  deleteTopicsResponse,
  { versions: [0, 6] },
  async (request, { services, clusterId, apiVersion }: RequestContext<BrokerServices>) => {
    const answers = await submitEach(services, askedTopics(request, apiVersion), {
      judge,
      command: (topics) => (image, context) =>
        deleteTopicsCommand(image, { clusterId, topics }, context),
    });
    return {
      throttleTimeMs: 0,
      responses: answers.map(({ asked, error, done }) => ({
        name: done?.name ?? asked.name,
        topicId: done?.topicId ?? asked.topicId,
        ...error,
      })),
    };
  },
);

function askedTopics(request: DeleteTopicsRequest, apiVersion: number): readonly Asked[] {
  if (apiVersion >= 6) return request.topics;
  return request.topicNames.map((name) => ({ name, topicId: zeroUuid }));
}

function judge({ name, topicId }: Asked): Judged<TopicRef> {
  const hasId = topicId !== zeroUuid;
  if (name !== null && !hasId) return { kind: "item", item: { name } };
  if (name === null && hasId) return { kind: "item", item: { topicId } };
  const errorMessage = hasId
    ? "You may not specify both topic name and topic id."
    : "Neither topic name nor id were specified.";
  return { kind: "refused", error: { errorCode: errorCodes.INVALID_REQUEST, errorMessage } };
}
