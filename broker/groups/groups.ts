import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { CoordinatorLog } from "../coordinator/coordinator-log.ts";
import { partitionForKey } from "../coordinator/partition-for-key.ts";
import { createCoordinatorRuntime } from "../coordinator/runtime.ts";
import type { ShardLimits } from "../coordinator/shard-limits.ts";
import type { LogOutput } from "../log-output.ts";
import { deleteGroup, describeGroup, dropTopicOffsets, listGroups } from "./group-admin.ts";
import { defaultGroupConfig } from "./group-config.ts";
import type { GroupConfig } from "./group-config.ts";
import type { GroupContext } from "./group-context.ts";
import { groupKeyOf } from "./group-key.ts";
import { GroupShard } from "./group-shard.ts";
import type { GroupEntry } from "./kept.ts";
import { heartbeat, joinGroup, leaveGroup, syncGroup } from "./membership.ts";
import { commitOffsets, deleteOffsets, fetchOffsets } from "./offsets.ts";
import type { TopicLookup } from "./topic-lookup.ts";

export const groupTopicName = "__consumer_offsets";
/** offsets.topic.num.partitions. Never changes once the topic exists: it decides where a group lives. */
export const groupTopicPartitionCount = 50;

export type GroupsOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly output: LogOutput;
  readonly topics: TopicLookup;
  readonly config?: Partial<GroupConfig>;
  readonly partitionCount?: number;
  readonly limits?: ShardLimits;
};

export type Groups = ReturnType<typeof createGroups>;

/** The group coordinator of this broker. Handlers call its verbs; the broker tells it which partitions it leads. */
export function createGroups(options: GroupsOptions) {
  const config = { ...defaultGroupConfig, ...options.config };
  const partitionCount = options.partitionCount ?? groupTopicPartitionCount;
  const runtime = createCoordinatorRuntime<GroupEntry, GroupShard>({
    name: groupTopicName,
    partitionCount,
    clock: options.clock,
    output: options.output,
    createMachine: () => new GroupShard(config, options.topics),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const context: GroupContext = {
    runtime,
    config,
    topics: options.topics,
    random: options.random,
  };
  return {
    /** This broker leads the partition: load it from `log` and serve. */
    lead: (partition: number, log: CoordinatorLog) => runtime.lead(partition, log),
    resign: (partition: number) => runtime.resign(partition),
    whenLoaded: () => runtime.whenLoaded(),
    /** Answers everything parked and decides nothing more. */
    close: async () => runtime.close(),
    /** The partition of `__consumer_offsets` whose leader coordinates the group. */
    partitionOf: (clusterId: string, groupId: string) =>
      partitionForKey(groupKeyOf(clusterId, groupId), partitionCount),
    joinGroup: bound(joinGroup, context),
    syncGroup: bound(syncGroup, context),
    heartbeat: bound(heartbeat, context),
    leaveGroup: bound(leaveGroup, context),
    commitOffsets: bound(commitOffsets, context),
    fetchOffsets: bound(fetchOffsets, context),
    deleteOffsets: bound(deleteOffsets, context),
    listGroups: bound(listGroups, context),
    describeGroup: bound(describeGroup, context),
    deleteGroup: bound(deleteGroup, context),
    dropTopicOffsets: bound(dropTopicOffsets, context),
  };
}

function bound<Context, Arguments extends unknown[], Reply>(
  verb: (context: Context, ...rest: Arguments) => Reply,
  context: Context,
): (...rest: Arguments) => Reply {
  return (...rest) => verb(context, ...rest);
}
