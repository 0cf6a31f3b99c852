import { afterEach, beforeEach, expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import { defaultShardLimits } from "../../../../broker/coordinator/shard-limits.ts";
import { CoordinatorShard } from "../../../../broker/coordinator/shard.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { coordinatorLog } from "../../../../broker/replication/coordinator-log.ts";
import { notePackedEnd } from "../../../../broker/replication/partition.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { RegisterMachine } from "../coordinator/register-machine.ts";
import type { Assignment } from "../coordinator/register-machine.ts";

// A coordinator over a partition with a leader and a follower, which must both have what it acknowledges.

let leading: MemoryBroker;
let following: MemoryBroker;
let topicId: string;

beforeEach(async () => {
  leading = await startMemoryBroker();
  following = await startMemoryBroker({
    world: { ...leading.world, disk: createMemoryDisk(), seed: 77 },
    network: leading.network,
    config: followerConfig,
  });
  const ids = [leading, following].map(({ broker }) => broker.brokerId);
  ({ topicId } = await leading.createTopic("registers", {
    assignments: [{ index: 0, brokerIds: ids }],
    configs: { "min.insync.replicas": "2" },
  }));
  await until(() => localOn(following)?.partitions[0] !== undefined);
  await until(() => localOn(leading)?.partitions[0]?.isLeader === true);
});
afterEach(async () => {
  await following.close();
  await leading.close();
});

const followerConfig = {
  slot: 2,
  zone: "zone-2",
  listen: { host: "127.0.0.1", port: 9093 },
} as const;

let isAsleep = false;

const localOn = (broker: MemoryBroker) => broker.services.topics.local(topicId);

async function until(what: () => boolean): Promise<void> {
  for (let turn = 0; turn < 3_000 && !what(); turn++) await new Promise((go) => setTimeout(go, 1));
  if (!what()) throw new Error(`never: ${what.toString()}`);
}

async function createShard() {
  const topic = localOn(leading);
  const partition = topic?.partitions[0];
  if (topic === undefined || partition === undefined) throw new Error("no such partition");
  const clock = createManualClock();
  const { gate } = leading.services;
  const shard = new CoordinatorShard<Assignment, RegisterMachine>({
    name: "registers-0",
    clock,
    log: coordinatorLog({
      clock,
      gate,
      topic,
      partition,
      cold: leading.services,
      isPacking: true,
      refusesRecords: () => isAsleep,
    }),
    createMachine: () => new RegisterMachine(),
    limits: defaultShardLimits,
    output: silentLog,
  });
  await shard.whenLoaded();
  const set = (name: string, value: string) =>
    shard.write(() => ({ entries: [{ name, value }], reply: value }));
  const read = (name: string) => shard.read((machine) => machine.values.get(name));
  return { shard, clock, partition, set, read };
}

test("what is appended while the follower is gone is answered in time, refused once the in-sync set has shrunk, and counts when the follower is back", async () => {
  const { clock, partition, set, read } = await createShard();
  expect(await set("a", "1")).toEqual({ kind: "done", reply: "1" });
  await following.services.fetchers.stop();
  const late = set("a", "2");
  await until(() => partition.log.logEndOffset === 2);
  await clock.advance(5_000);
  expect(await late).toEqual({ kind: "failed", error: "COORDINATOR_NOT_AVAILABLE" });
  const isr = () => leading.image.topics.get(topicId)?.partitions[0]?.isr.length;
  const whenRemoved = until(() => isr() === 1);
  await following.broker.close();
  await leading.clock.advance(15_000);
  await whenRemoved;
  expect(await set("a", "3")).toEqual({ kind: "failed", error: "COORDINATOR_NOT_AVAILABLE" });
  expect(partition.log.logEndOffset).toBe(2);
  following = await startMemoryBroker({
    world: following.world,
    network: leading.network,
    config: followerConfig,
  });
  await until(() => partition.log.highWatermark === 2);
  expect(await read("a")).toEqual({ kind: "done", reply: "2" });
  expect(await set("a", "4")).toEqual({ kind: "done", reply: "4" });
  expect(partition.acks).toHaveLength(0);
});

test("nothing is appended while the cell sleeps, and whoever asks may ask again", async () => {
  const { clock, partition, set } = await createShard();
  isAsleep = true;
  try {
    expect(await set("a", "1")).toEqual({ kind: "failed", error: "COORDINATOR_NOT_AVAILABLE" });
    expect(partition.log.nextOffset).toBe(0);
  } finally {
    isAsleep = false;
  }
  await clock.advance(10_000);
  expect(await set("a", "1")).toEqual({ kind: "done", reply: "1" });
});

test("segments that a sleep has made go with the log start once packs have what was written again, not before", async () => {
  const topic = localOn(leading)!;
  const partition = topic.partitions[0]!;
  const { gate, tier, tierWriter } = leading.services;
  const log = coordinatorLog({
    clock: leading.clock,
    gate,
    topic,
    partition,
    cold: leading.services,
    isPacking: true,
    refusesRecords: () => false,
  });
  const write = () => log.append([{ key: Buffer.from("a"), value: Buffer.from("1") }]);
  const listed = async () => (await tier.manifest(partition, { isFresh: true }))?.segments.length;
  for (let count = 0; count < 3; count += 1) expect((await write()).kind).toBe("committed");
  expect((await tierWriter.cut(partition, 1_000_000)).kind).toBe("done");
  expect((await write()).kind).toBe("committed");
  notePackedEnd(partition, 3);
  expect(await log.moveLogStart(3)).toBe(false);
  expect([partition.log.logStartOffset, await listed()]).toEqual([0, 1]);
  // More comes all the time: what was there when it was asked for first has to be packed.
  notePackedEnd(partition, 4);
  expect((await write()).kind).toBe("committed");
  expect(await log.moveLogStart(3)).toBe(true);
  expect([partition.log.logStartOffset, await listed()]).toEqual([3, 0]);
});
