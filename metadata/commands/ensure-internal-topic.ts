import { internalTopic, systemClusterId } from "../image/image.ts";
import type { Image, InternalTopicName } from "../image/image.ts";
import type { Configs } from "../settings/topic-settings.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { createTopic } from "./create-topics.ts";
import type { TopicErrorCode } from "./topic-outcome.ts";

const partitionCount = 50;

/** Kafka's settings for them: compacted, in small segments, so that a coordinator that takes over has little to read. */
const internalTopicConfigs: Readonly<Record<InternalTopicName, Configs>> = {
  __consumer_offsets: {
    "cleanup.policy": "compact",
    "compression.type": "producer",
    "segment.bytes": "104857600",
  },
  __transaction_state: {
    "cleanup.policy": "compact",
    "compression.type": "uncompressed",
    "segment.bytes": "104857600",
  },
  __share_group_state: {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "segment.bytes": "104857600",
  },
};

/** One of the cell's own topics, created if it is not there. It belongs to no tenant. */
export function ensureInternalTopic(
  image: Image,
  request: { name: InternalTopicName },
  context: CommandContext,
): Decision<{ topicId: string }, TopicErrorCode> {
  const existing = internalTopic(image, request.name);
  if (existing !== undefined) return accepted([], { topicId: existing.topicId });
  return createTopic(
    image,
    {
      clusterId: systemClusterId,
      topic: {
        name: request.name,
        partitionCount,
        configs: internalTopicConfigs[request.name],
      },
    },
    context,
  );
}
