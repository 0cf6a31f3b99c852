import { expect, test } from "vitest";

import { createMemoryNetwork } from "../../../../adapters/memory/network.ts";
import { createControllerLink } from "../../../../broker/replication/controller-link.ts";
import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import { newBroker } from "../../metadata/test-cell.ts";
import { testWorld } from "../../metadata/log/test-log.ts";

test("what leaders ask for while one decision is under way is one entry more", async () => {
  const world = testWorld();
  const metadata = await world.open();
  for (const name of ["1", "2", "3"]) {
    await world.during(
      metadata.submit((image, context) => registerBroker(image, newBroker(name), context)),
    );
  }
  const made = await world.during(
    metadata.submit((image, context) => createCluster(image, { name: "dev" }, context)),
  );
  if (made.kind === "rejected") throw new Error(made.message);
  const { clusterId } = made.result;
  const topic = { name: "t", partitionCount: 30, replicationFactor: 3 };
  await world.during(
    metadata.submit((image, context) => createTopic(image, { clusterId, topic }, context)),
  );
  const { clock } = world;
  const network = createMemoryNetwork({ clock });
  const link = createControllerLink({ selfId: 1, metadata, network, clock });
  const [{ topicId, partitions } = { topicId: "", partitions: [] }] =
    metadata.image.topics.values();
  const epochOf = (id: number): number => metadata.image.brokers.get(id)?.epoch ?? -1;
  const requests = [1, 2, 3].map((brokerId) => ({
    brokerId,
    brokerEpoch: epochOf(brokerId),
    // Each leader drops the last of its followers.
    partitions: partitions
      .filter(({ leader }) => leader === brokerId)
      .map(({ index, leaderEpoch, partitionEpoch, replicas }) => {
        const isr = replicas.slice(0, 2).map((id) => ({ brokerId: id, brokerEpoch: epochOf(id) }));
        return { topicId, index, leaderEpoch, partitionEpoch, isr };
      }),
  }));
  const before = metadata.revision;
  const outcomes = await world.during(Promise.all(requests.map((each) => link.decide(each))));
  expect(metadata.revision).toBe(before + 2);
  for (const [position, outcome] of outcomes.entries()) {
    if (outcome.kind === "rejected") throw new Error(outcome.message);
    expect(outcome.partitions).toHaveLength(requests[position]?.partitions.length ?? -1);
    expect(outcome.partitions.every(({ error }) => error === null)).toBe(true);
  }
  await world.during(metadata.close());
});
