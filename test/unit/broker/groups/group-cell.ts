import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { defaultShardLimits } from "../../../../broker/coordinator/shard-limits.ts";
import type { ShardLimits } from "../../../../broker/coordinator/shard-limits.ts";
import type { GroupConfig } from "../../../../broker/groups/group-config.ts";
import { createGroups } from "../../../../broker/groups/groups.ts";
import type { FoundTopic, TopicLookup } from "../../../../broker/groups/topic-lookup.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createFakeCoordinatorLog } from "../coordinator/fake-coordinator-log.ts";

export type GroupCell = Awaited<ReturnType<typeof createGroupCell>>;

/** A group coordinator over logs in memory, with two clusters' topics, and time in the test's hand. */
export async function createGroupCell(
  config: Partial<GroupConfig> = {},
  limits: ShardLimits = defaultShardLimits,
) {
  const clock = createManualClock();
  const topics = new Map<string, FoundTopic>();
  const topicLookup: TopicLookup = {
    byName: (clusterId, name) => topics.get(`${clusterId}/${name}`) ?? null,
    byId: (clusterId, topicId) =>
      [...topics].find(
        ([key, found]) => key.startsWith(`${clusterId}/`) && found.topicId === topicId,
      )?.[1] ?? null,
  };
  const partitionCount = 4;
  const logs = Array.from({ length: partitionCount }, createFakeCoordinatorLog);
  const open = async () => {
    const groups = createGroups({
      clock,
      random: createSeededRandom(1),
      output: silentLog,
      topics: topicLookup,
      config: { initialRebalanceDelayMs: 0, ...config },
      partitionCount,
      limits,
    });
    for (const [partition, log] of logs.entries()) groups.lead(partition, log);
    await groups.whenLoaded();
    return groups;
  };
  const addTopic = (clusterId: string, name: string, topicId: string, count = 3) =>
    void topics.set(`${clusterId}/${name}`, { name, topicId, partitionCount: count });
  addTopic("alpha", "orders", "AAAAAAAAAAAAAAAAAAAAAQ");
  addTopic("alpha", "returns", "AAAAAAAAAAAAAAAAAAAAAg");
  addTopic("beta", "orders", "AAAAAAAAAAAAAAAAAAAAAw");
  const cell = {
    clock,
    logs,
    topics,
    addTopic,
    groups: await open(),
    /** As after a crash: the old coordinator says nothing more, a new one loads the logs. */
    async restart() {
      await cell.groups.close();
      cell.groups = await open();
    },
    visibleBytes: () => logs.reduce((sum, log) => sum + log.visibleBytes(), 0),
    client: (clusterId = "alpha", apiVersion = 9) => ({
      clusterId,
      clientId: "client",
      clientHost: "/127.0.0.1",
      apiVersion,
    }),
    commit(
      groupId: string,
      offset: number,
      more: Record<string, unknown> = {},
      clusterId = "alpha",
    ) {
      const topic = "orders";
      const { topicId } = topicLookup.byName(clusterId, topic) ?? { topicId: "" };
      return cell.groups.commitOffsets(
        {
          groupId,
          memberId: "",
          groupInstanceId: null,
          generationId: -1,
          retentionTimeMs: -1,
          partitions: [{ topic, topicId, partition: 0, offset, leaderEpoch: 3, metadata: "m" }],
          ...more,
        },
        cell.client(clusterId),
      );
    },
    async fetch(groupId: string, clusterId = "alpha") {
      const reply = await cell.groups.fetchOffsets(groupId, cell.client(clusterId), null);
      return reply.error === "NONE"
        ? reply
            .all()
            .map(({ topic, partition, offset }) => `${topic}-${partition}@${offset.offset}`)
        : reply.error;
    },
    join(groupId: string, more: Record<string, unknown> = {}, clusterId = "alpha") {
      const request = {
        groupId,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 60_000,
        memberId: "",
        groupInstanceId: null,
        protocolType: "consumer",
        protocols: [
          {
            name: "range",
            metadata: new Uint8Array([0, 0, 0, 0, 0, 1, 0, 6, ...Buffer.from("orders")]),
          },
        ],
        reason: null,
        ...more,
      };
      return cell.groups.joinGroup(request, cell.client(clusterId, 3));
    },
    sync(groupId: string, memberId: string, generationId: number, assignment = "all") {
      return cell.groups.syncGroup(
        {
          groupId,
          generationId,
          memberId,
          groupInstanceId: null,
          protocolType: null,
          protocolName: null,
          assignments: [{ memberId, assignment: Buffer.from(assignment) }],
        },
        cell.client(),
      );
    },
  };
  return cell;
}

/** Lets promises and appends in memory come to rest. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}
