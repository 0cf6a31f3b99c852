import type { Cluster, Image, Topic } from "../../metadata/image/image.ts";
import { internalTopicNames } from "../../metadata/image/image.ts";
import { errorCodes } from "../../protocol/errors.ts";

/** The value of the authorized-operations fields when they were not asked for (or, until there are ACLs, not known). */
export const operationsNotRequested = -2147483648;

/** Every operation that exists on a topic or cluster, as the bits of Kafka's AclOperation codes: without an authorizer all are allowed. */
export const allTopicOperations = bits(3, 4, 5, 6, 7, 8, 10, 11);
export const allClusterOperations = bits(5, 7, 8, 9, 10, 11, 12);

function bits(...codes: number[]): number {
  return codes.reduce((mask, code) => mask | (1 << code), 0);
}

export function isInternal(topic: Topic): boolean {
  return (internalTopicNames as readonly string[]).includes(topic.name);
}

export type NodeEndpoint = { nodeId: number; host: string; port: number; rack: string | null };

/** The brokers clients of `cluster` may connect to, at the port that is this cluster (architecture 3.7). */
export function nodeEndpoints(image: Image, cluster: Cluster): NodeEndpoint[] {
  return [...image.brokers.values()]
    .filter(({ state }) => state !== "fenced")
    .map((broker) => endpointOf(broker, cluster));
}

export function endpointOf(
  broker: { brokerId: number; host: string; port: number; zone: string },
  cluster: { portOffset: number },
): NodeEndpoint {
  const rack = broker.zone === "" ? null : broker.zone;
  return {
    nodeId: broker.brokerId,
    host: broker.host,
    port: broker.port + cluster.portOffset,
    rack,
  };
}

/** One partition as Metadata and DescribeTopicPartitions show it. */
export function describePartition(image: Image, topic: Topic, index: number) {
  const state = topic.partitions[index];
  if (state === undefined) throw new Error(`topic ${topic.name} has no partition ${index}`);
  const isLive = (brokerId: number): boolean => {
    const broker = image.brokers.get(brokerId);
    return broker !== undefined && broker.state !== "fenced";
  };
  const hasLeader = state.leader >= 0 && isLive(state.leader);
  return {
    errorCode: hasLeader ? errorCodes.NONE : errorCodes.LEADER_NOT_AVAILABLE,
    partitionIndex: index,
    leaderId: hasLeader ? state.leader : -1,
    leaderEpoch: state.leaderEpoch,
    replicaNodes: [...state.replicas],
    isrNodes: [...state.isr],
    eligibleLeaderReplicas: [...state.elr],
    lastKnownElr: [] as number[],
    offlineReplicas: state.replicas.filter((replica) => !isLive(replica)),
  };
}
