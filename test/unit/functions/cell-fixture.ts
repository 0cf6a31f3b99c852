import type { OperationList } from "../../../functions/api-types.ts";
import { alterPartitions } from "../../../metadata/commands/alter-partition.ts";
import type { Command } from "../../../metadata/commands/command.ts";
import { fenceBrokers } from "../../../metadata/commands/fence-brokers.ts";
import { growTopics } from "../../../metadata/commands/replace-replicas.ts";
import { topicByName } from "../../../metadata/image/image.ts";
import type { Partition, Topic } from "../../../metadata/image/image.ts";
import { createApiFixture } from "./api-fixture.ts";
import type { ApiFixture } from "./api-fixture.ts";

/** An API over a cell of brokers 1 to `brokerCount` in zones a, b, c, with what brokers and controller do to the metadata log in the test's hand. */
export type CellFixture = ApiFixture & {
  clusterId: string;
  /** A topic with one partition for each list of replicas. */
  place: (name: string, ...assigned: number[][]) => Promise<void>;
  stored: (name: string) => Topic;
  partition: (name: string, index?: number) => Partition;
  fence: (...brokerIds: number[]) => Promise<void>;
  /** Leaders say that all of their replicas have caught up, or only those named. */
  catchUp: (name: string, isr?: number[]) => Promise<void>;
  /** The controller's rounds. */
  grow: () => Promise<void>;
  operations: () => Promise<OperationList["data"]>;
};

export async function createCellFixture(brokerCount: number): Promise<CellFixture> {
  const api = await createApiFixture();
  for (let index = 0; index < brokerCount; index++) {
    const [zone, host] = ["abc"[index % 3] ?? "", `10.0.0.${index + 1}`];
    await api.registerBroker({ zone, host });
  }
  const { id: clusterId } = await api.cluster();
  const { replica, call } = api;
  const run = async <Result>(command: Command<Result>): Promise<Result> => {
    const submitted = await replica.submit(command);
    if (submitted.kind === "rejected") throw new Error(submitted.message);
    return submitted.result;
  };
  const ref = (brokerId: number) => {
    return { brokerId, brokerEpoch: replica.image.brokers.get(brokerId)?.epoch ?? -1 };
  };
  const stored = (name: string): Topic => {
    const found = topicByName(replica.image, clusterId, name);
    if (found === undefined) throw new Error(`${name} is there`);
    return found;
  };
  return {
    ...api,
    clusterId,
    async place(name, ...assigned) {
      const replicas = assigned.map((broker_ids, partition_id) => ({ partition_id, broker_ids }));
      const body = { topic_name: name, replicas_assignments: replicas };
      await call(`POST /kafka/v3/clusters/${clusterId}/topics`, body);
    },
    stored,
    partition(name, index = 0) {
      const found = stored(name).partitions[index];
      if (found === undefined) throw new Error(`${name} has a partition ${index}`);
      return found;
    },
    fence: async (...brokerIds) => {
      const brokers = brokerIds.map(ref);
      await run((image, context) => fenceBrokers(image, { brokers }, context));
    },
    async catchUp(name, isr) {
      const { topicId, partitions } = stored(name);
      for (const { index, leader, leaderEpoch, partitionEpoch, replicas } of partitions) {
        const members = (isr ?? replicas).map(ref);
        const change = { topicId, index, leaderEpoch, partitionEpoch, isr: members };
        const request = [{ ...ref(leader), partitions: [change] }];
        await run((image, context) => alterPartitions(image, request, context));
      }
    },
    grow: async () =>
      void (await run((image, context) => growTopics(image, { maxMoving: 100 }, context))),
    operations: async () => (await call<OperationList>("GET /v1/cell/operations")).body.data,
  };
}
