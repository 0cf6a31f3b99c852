import { topicByName } from "../../metadata/image/image.ts";
import { errorCodes } from "../../protocol/errors.ts";
import {
  offsetDeleteRequest,
  offsetDeleteResponse,
} from "../../protocol/messages/offset-delete.ts";
import { groupClientOf } from "./group-client.ts";
import type { GroupRequestContext } from "./group-client.ts";
import { kafkaApi } from "./kafka-api.ts";

// KIP-496. Topics in use answer GROUP_SUBSCRIBED_TO_TOPIC; partitions without an offset are fine.
export const offsetDelete = kafkaApi(
  offsetDeleteRequest,
  offsetDeleteResponse,
  { versions: [0, 0] },
  async (request, context: GroupRequestContext) => {
    const { image } = context.services.metadata;
    const asked = request.topics.flatMap(({ name, partitions }) => {
      const topic = topicByName(image, context.clusterId, name);
      return partitions.map(({ partitionIndex }) => ({
        topic: name,
        partition: partitionIndex,
        isKnown: topic?.partitions[partitionIndex] !== undefined,
      }));
    });
    const known = asked.filter(({ isKnown }) => isKnown);
    const reply = await context.services.groups.deleteOffsets(
      request.groupId,
      groupClientOf(context),
      known,
    );
    if (reply.error !== "NONE")
      return { errorCode: errorCodes[reply.error], throttleTimeMs: 0, topics: [] };
    const errors = reply.partitions.values();
    const answered = asked.map((each) => ({
      ...each,
      error: each.isKnown
        ? (errors.next().value ?? "UNKNOWN_SERVER_ERROR")
        : ("UNKNOWN_TOPIC_OR_PARTITION" as const),
    }));
    return {
      errorCode: errorCodes.NONE,
      throttleTimeMs: 0,
      topics: [...Map.groupBy(answered, ({ topic }) => topic)].map(([name, partitions]) => ({
        name,
        partitions: partitions.map(({ partition, error }) => ({
          partitionIndex: partition,
          errorCode: errorCodes[error],
        })),
      })),
    };
  },
);
