import { errorCodes } from "../../protocol/errors.ts";
import {
  describeQuorumRequest,
  describeQuorumResponse,
  type DescribeQuorumRequest,
} from "../../protocol/messages/describe-quorum.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { metadataTopic } from "../cell/metadata-topic.ts";
import { nodeEndpoints } from "./topic-description.ts";

const quorumTopic = metadataTopic.name;

/**
 * KIP-595, answered truthfully: there is no quorum of brokers. The metadata log is one linearizable log outside of them; the controller is shown as its
 * leader and only voter, at the revision this broker has read, and the other brokers as observers of it.
 */
export const describeQuorum = kafkaApi(
  describeQuorumRequest,
  describeQuorumResponse,
  { versions: [0, 2] },
  (request, { services, clusterId }: RequestContext<BrokerServices>) => {
    const { image } = services.metadata;
    const cluster = image.clusters.get(clusterId);
    const { brokerId, epoch } = image.controller;
    const nowMs = services.clock.nowMs();
    const stateOf = (replicaId: number) => ({
      replicaId,
      logEndOffset: image.revision,
      lastFetchTimestamp: nowMs,
      lastCaughtUpTimestamp: nowMs,
    });
    const leaderId = brokerId ?? -1;
    const others = [...image.brokers.keys()].filter((id) => id !== leaderId);
    const quorum = {
      partitionIndex: 0,
      errorCode: errorCodes.NONE,
      errorMessage: null,
      leaderId,
      leaderEpoch: epoch,
      highWatermark: image.revision,
      currentVoters: leaderId < 0 ? [] : [stateOf(leaderId)],
      observers: others.map(stateOf),
    };
    const nodes = cluster === undefined ? [] : nodeEndpoints(image, cluster);
    return {
      errorCode: errorCodes.NONE,
      errorMessage: null,
      topics: request.topics.map((topic) => answer(topic, quorum)),
      nodes: nodes.map(({ nodeId, host, port }) => ({
        nodeId,
        listeners: [{ name: "CONTROLLER", host, port }],
      })),
    };
  },
);

function answer<Quorum>(
  { topicName, partitions }: DescribeQuorumRequest["topics"][number],
  quorum: Quorum,
) {
  return {
    topicName,
    partitions: partitions.map(({ partitionIndex }) =>
      topicName === quorumTopic && partitionIndex === 0
        ? quorum
        : {
            partitionIndex,
            errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
            errorMessage: null,
            leaderId: -1,
            leaderEpoch: -1,
            highWatermark: -1,
            currentVoters: [],
            observers: [],
          },
    ),
  };
}
