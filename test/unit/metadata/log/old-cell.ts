import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { allocateProducerIds } from "../../../../metadata/commands/allocate-producer-ids.ts";
import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import type { Command } from "../../../../metadata/commands/command.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { deleteTopic } from "../../../../metadata/commands/delete-topics.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import type { MetadataReplica } from "../../../../metadata/log/replica.ts";
import { restoreCell } from "../../../../metadata/log/restore.ts";
import type { RestoreOptions } from "../../../../metadata/log/restore.ts";
import { newBroker } from "../test-cell.ts";
import { testLog, testObjects, testWorld } from "./test-log.ts";
import type { TestWorld } from "./test-log.ts";

export const worlds: { world: TestWorld; replica: MetadataReplica }[] = [];

/** After each test. */
export async function closeWorlds(): Promise<void> {
  for (const { world, replica } of worlds.splice(0)) {
    await world.during(replica.close());
    world.clock.close();
  }
}

/** A cell that has lived for a while, archived to its head. */
export async function oldCell(snapshotEvery = 5) {
  const world = testWorld();
  const replica = await world.open({ snapshotEvery, trimMargin: 2 });
  worlds.push({ world, replica });
  const run = async <Result>(command: Command<Result>): Promise<Result> => {
    const outcome = await world.during(replica.submit(command));
    if (outcome.kind === "rejected") throw new Error(outcome.message);
    return outcome.result;
  };
  const { clusterId } = await run((image, now) => createCluster(image, { name: "dev" }, now));
  for (const name of ["1", "2", "3"]) {
    await run((image, now) => registerBroker(image, newBroker(name), now));
  }
  const brokerEpoch = replica.image.brokers.get(1)?.epoch ?? -1;
  await run((image) => allocateProducerIds(image, { brokerId: 1, brokerEpoch }));
  const add = (name: string, configs: Record<string, string> = {}) =>
    run((image, now) =>
      createTopic(image, { clusterId, topic: { name, partitionCount: 3, configs } }, now),
    );
  for (let index = 0; index < 8; index++) await add(`t${index}`, { "retention.ms": String(index) });
  await run((image, now) => deleteTopic(image, { clusterId, topic: { name: "t7" } }, now));
  await world.during(replica.maintain());
  return { world, replica, run, add, clusterId };
}

export type Old = Awaited<ReturnType<typeof oldCell>>;

export const sharedOf = ({ world }: Old) => ({
  from: { objects: world.store, cell: "test" },
  clock: world.clock,
  random: createSeededRandom(78),
});

export async function restore({ world }: Old, options: Partial<RestoreOptions> = {}) {
  const log = testLog();
  const objects = testObjects();
  const to = options.to ?? { log, objects, cell: "new" };
  const from = { objects: world.store, cell: "test" };
  const random = createSeededRandom(77);
  const { clock } = world;
  const outcome = await world.during(restoreCell({ from, to, clock, random, ...options }));
  const open = async () => {
    const opened = await world.open({ log: to.log, objects: to.objects, cell: to.cell });
    worlds.push({ world, replica: opened });
    return opened;
  };
  return { outcome, open, to };
}
