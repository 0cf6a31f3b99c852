import { topicByName } from "../../metadata/image/image.ts";
import type { Topic } from "../../metadata/image/image.ts";
import { zeroUuid } from "../../protocol/schema/types.ts";
import type { GroupRequestContext } from "./group-client.ts";

export type AskedTopic = { readonly name: string; readonly topicId: string };

/** The topic a request of the offset APIs means: by id from v10 on, by name before. Never another cluster's. */
export function askedTopic(
  asked: AskedTopic,
  { services, clusterId, apiVersion }: GroupRequestContext,
): Topic | undefined {
  const { image } = services.metadata;
  if (apiVersion < 10) return topicByName(image, clusterId, asked.name);
  const topic = asked.topicId === zeroUuid ? undefined : image.topics.get(asked.topicId);
  return topic?.clusterId === clusterId ? topic : undefined;
}
