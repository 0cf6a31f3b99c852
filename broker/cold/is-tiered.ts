import { systemClusterId } from "../../metadata/image/image.ts";
import type { Partition } from "../replication/partition.ts";
import type { LocalTopic } from "../replication/topic-table.ts";

/**
 * Whether this broker keeps the partition's part of the object store. Not of internal topics: coordinators rewrite what counts of their logs at the head, so
 * none of it is ever cold; packs and seals keep it.
 */
export const isTieredHere = ({ isLeader, log }: Partition, { topic }: LocalTopic): boolean =>
  isLeader && log.failure === null && topic.clusterId !== systemClusterId;
