import { createPartitions as createPartitionsCommand } from "../../metadata/commands/create-partitions.ts";
import {
  createPartitionsRequest,
  createPartitionsResponse,
} from "../../protocol/messages/create-partitions.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { errorOfItem, seenByAll, submit } from "./submit.ts";

// Versions 0-3: the same but for encoding and throttling.
export const createPartitions = kafkaApi(
  createPartitionsRequest,
  createPartitionsResponse,
  { versions: [0, 3] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const topics = request.topics.map(({ name, count, assignments }) => ({
      name,
      partitionCount: count,
      ...(assignments === null
        ? {}
        : { assignments: assignments.map(({ brokerIds }) => brokerIds) }),
    }));
    const submitted = await submit(services, (image) =>
      createPartitionsCommand(image, { clusterId, topics, isValidateOnly: request.validateOnly }),
    );
    await seenByAll(services, submitted, request.timeoutMs);
    return {
      throttleTimeMs: 0,
      results: request.topics.map(({ name }, index) => ({
        name,
        ...errorOfItem(submitted, index),
      })),
    };
  },
);
