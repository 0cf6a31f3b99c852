import { topicByName, topicsOfCluster } from "../../metadata/image/image.ts";
import { errorCodes } from "../../protocol/errors.ts";
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from "../../protocol/messages/list-partition-reassignments.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";

// KIP-455: moves under way, of the partitions asked for or of all. Topics that do not exist have none.
export const listPartitionReassignments = kafkaApi(
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
  { versions: [0, 0] },
  (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const { image } = services.metadata;
    const asked =
      request.topics?.map(({ name, partitionIndexes }) => ({
        topic: topicByName(image, clusterId, name),
        indexes: partitionIndexes as readonly number[] | null,
      })) ?? topicsOfCluster(image, clusterId).map((topic) => ({ topic, indexes: null }));
    const topics = asked.flatMap(({ topic, indexes }) => {
      if (topic === undefined) return [];
      const moving = topic.partitions.filter(
        ({ index, adding, removing }) =>
          adding.length + removing.length > 0 && (indexes === null || indexes.includes(index)),
      );
      return moving.length === 0 ? [] : [{ name: topic.name, partitions: moving.map(shape) }];
    });
    return { throttleTimeMs: 0, errorCode: errorCodes.NONE, errorMessage: null, topics };
  },
);

type Moving = {
  readonly index: number;
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
};

const shape = ({ index, replicas, adding, removing }: Moving) => ({
  partitionIndex: index,
  replicas: [...replicas],
  addingReplicas: [...adding],
  removingReplicas: [...removing],
});
