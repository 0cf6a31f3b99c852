import type { Image } from "../../metadata/image/image.ts";
import type { LocalTopic } from "../replication/topic-table.ts";
import { nodeEndpoints } from "./topic-description.ts";

/** KIP-951: an answer of NOT_LEADER_OR_FOLLOWER says who leads, so that the client need not ask for metadata. Null where nobody does. */
export function currentLeader(
  topic: LocalTopic | undefined,
  index: number,
): { leaderId: number; leaderEpoch: number } | null {
  const state = topic?.topic.partitions[index];
  return state === undefined || state.leader < 0
    ? null
    : { leaderId: state.leader, leaderEpoch: state.leaderEpoch };
}

/** Where those leaders can be reached. */
export function leaderEndpoints(image: Image, clusterId: string, leaderIds: readonly number[]) {
  const cluster = image.clusters.get(clusterId);
  if (cluster === undefined || leaderIds.length === 0) return [];
  return nodeEndpoints(image, cluster).filter(({ nodeId }) => leaderIds.includes(nodeId));
}
