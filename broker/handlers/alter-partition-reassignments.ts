import { alterPartitionReassignments as reassign } from "../../metadata/commands/alter-partition-reassignments.ts";
import { errorCodes } from "../../protocol/errors.ts";
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from "../../protocol/messages/alter-partition-reassignments.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { itemError, submit } from "./submit.ts";

// v1: whether the replication factor may change with it (KIP-860).
export const alterPartitionReassignments = kafkaApi(
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
  { versions: [0, 1] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const { allowReplicationFactorChange } = request;
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex: index, replicas }) => ({ index, replicas })),
    }));
    const submitted = await submit(services, (image, context) =>
      reassign(image, { clusterId, topics, allowReplicationFactorChange }, context),
    );
    if (submitted.kind === "refused")
      return { throttleTimeMs: 0, allowReplicationFactorChange, ...submitted.error, responses: [] };
    const byTopic = Map.groupBy(submitted.result, ({ name }) => name);
    return {
      throttleTimeMs: 0,
      allowReplicationFactorChange,
      errorCode: errorCodes.NONE,
      errorMessage: null,
      responses: Array.from(byTopic, ([name, outcomes]) => ({
        name,
        partitions: outcomes.map((outcome) => ({
          partitionIndex: outcome.index,
          ...itemError(outcome),
        })),
      })),
    };
  },
);
