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
import type { LocalTopic } from "../replication/topic-table.ts";
import { lookForUnknown } from "./submit.ts";

// Version 0 (KIP-664): who writes to a partition, as its leader remembers.
export const describeProducers = kafkaApi(
  describeProducersRequest,
  describeProducersResponse,
  { versions: [0, 0] },
  async (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const { topics } = services;
    if (request.topics.some(({ name }) => topics.byName(clusterId, name) === undefined))
      await lookForUnknown(services);
    // Named twice, a partition is described once: it may have thousands of producers.
    const asked = new Map<string, Set<number>>();
    for (const { name, partitionIndexes } of request.topics) {
      const indexes = asked.get(name) ?? new Set();
      asked.set(name, indexes);
      for (const index of partitionIndexes) indexes.add(index);
    }
    return {
      throttleTimeMs: 0,
      topics: [...asked].map(([name, indexes]) => {
        const topic = topics.byName(clusterId, name);
        return { name, partitions: [...indexes].map((index) => answerFor(topic, index)) };
      }),
    };
  },
);

function answerFor(topic: LocalTopic | undefined, partitionIndex: number) {
  const checked = checkLeader(topic, partitionIndex);
  if (checked.kind === "refused") {
    return {
      partitionIndex,
      errorCode: errorCodes[checked.error],
      errorMessage: errorMessage(checked.error),
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
}

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
