import { errorCodes, errorMessage } from "../../protocol/errors.ts";
import {
  describeProducersRequest,
  describeProducersResponse,
} from "../../protocol/messages/describe-producers.ts";
import type { ProducerEntry } from "../log/producer-state.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { checkLeader } from "../replication/leader-check.ts";

// Version 0 (KIP-664): who writes to a partition, as its leader remembers.
export const describeProducers = kafkaApi(
  describeProducersRequest,
  describeProducersResponse,
  { versions: [0, 0] },
  (request, { services, clusterId }: RequestContext<BrokerServices>) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitionIndexes }) => {
      const topic = services.topics.byName(clusterId, name);
      return {
        name,
        partitions: partitionIndexes.map((partitionIndex) => {
          const checked = checkLeader(topic, partitionIndex);
          if (checked.kind === "refused") {
            const { error } = checked;
            return {
              partitionIndex,
              errorCode: errorCodes[error],
              errorMessage: errorMessage(error),
              activeProducers: [],
            };
          }
          const { producers } = checked.partition.log.producers;
          return {
            partitionIndex,
            errorCode: errorCodes.NONE,
            errorMessage: null,
            activeProducers: [...producers.values()].map(describe),
          };
        }),
      };
    }),
  }),
);

function describe(entry: ProducerEntry) {
  return {
    producerId: entry.producerId,
    producerEpoch: entry.epoch,
    lastSequence: entry.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: entry.lastTimestamp,
    coordinatorEpoch: entry.coordinatorEpoch,
    currentTxnStartOffset: entry.currentTxnFirstOffset,
  };
}
