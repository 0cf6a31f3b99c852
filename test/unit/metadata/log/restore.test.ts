import { afterEach, describe, expect, onTestFinished, test } from "vitest";

import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import type { Command } from "../../../../metadata/commands/command.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { recoverPartitions } from "../../../../metadata/commands/recover-partitions.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import { imageProblems } from "../../../../metadata/image/image-checker.ts";
import type { Image, Topic } from "../../../../metadata/image/image.ts";
import { restoredImage } from "../../../../metadata/image/restored.ts";
import { decodeSnapshot, encodeSnapshot } from "../../../../metadata/image/snapshot.ts";
import { archiveKey } from "../../../../metadata/log/object-keys.ts";
import { LogIsLost } from "../../../../metadata/log/leftovers.ts";
import { listSnapshots } from "../../../../metadata/log/snapshots.ts";
import { restoreCell } from "../../../../metadata/log/restore.ts";
import { ObjectStoreError } from "../../../../ports/object-store.ts";
import { mostAtOnce } from "../../../support/most-at-once.ts";
import { newBroker, readyCell } from "../test-cell.ts";
import { closeWorlds, oldCell, restore, sharedOf, worlds } from "./old-cell.ts";
import { testLog, testObjects, testWorld } from "./test-log.ts";

afterEach(closeWorlds);

const topicsOf = ({ topics }: Image) =>
  [...topics.values()].sort((left, right) => (left.name < right.name ? -1 : 1));

/** But for brokers, epochs and counters. */
function lasting(image: Image) {
  const topicOf = ({ partitions, ...topic }: Topic) => ({
    ...topic,
    partitions: partitions.map(({ index, replicas, lastIsr, recoveries }) => {
      return { index, replicas, lastIsr, recoveries };
    }),
  });
  return {
    clusters: [...image.clusters],
    topics: topicsOf(image).map(topicOf),
    level: image.level,
    nextPortOffset: image.nextPortOffset,
    idempotencyKeys: [...image.idempotencyKeys],
  };
}

describe("a cell that is restored into an empty log", () => {
  test("is the old one but for its brokers, and for what has jumped past all that was ever handed out", async () => {
    const old = await oldCell();
    const { outcome, open } = await restore(old);
    const before = old.replica.image;
    expect(outcome).toMatchObject({
      kind: "restored",
      fromRevision: before.revision,
      revision: before.revision + 2 ** 20 + 1,
      topicCount: 7,
      partitionCount: 21,
    });
    const replica = await open();
    const { image } = replica;
    expect(lasting(image)).toEqual(lasting(before));
    expect(image.revision).toBe(before.revision + 2 ** 20 + 1);
    expect(image.cellId).not.toBe(before.cellId);
    expect(image.brokers.size).toBe(0);
    expect(image.nextBrokerId).toBe(before.nextBrokerId + 2 ** 10);
    expect(image.nextProducerId).toBe(before.nextProducerId + 2 ** 20);
    expect(image.controller).toEqual({ brokerId: null, epoch: before.controller.epoch + 2 ** 10 });
    const floors = [...before.epochFloors].map(([id, epoch]) => [id, epoch + 2 ** 10]);
    expect([...image.epochFloors]).toEqual(floors);
    expect(image.purgingTopics.size).toBe(0);
    for (const [topicId, { partitions }] of image.topics) {
      for (const each of partitions) {
        const was = before.topics.get(topicId)?.partitions[each.index];
        expect(each).toMatchObject({ isr: [], elr: [], leader: -1, sealed: null });
        expect(each.leaderEpoch).toBe((was?.leaderEpoch ?? NaN) + 2 ** 10);
      }
    }
    expect(imageProblems(image)).toEqual([]);
    expect(encodeSnapshot(decodeSnapshot(encodeSnapshot(image)))).toEqual(encodeSnapshot(image));
  });

  test("takes no entry of whoever still writes to the old log", async () => {
    const old = await oldCell();
    const { to } = await restore(old);
    await old.add("late");
    const late = old.world.log.entries.get(old.replica.revision) ?? new Uint8Array();
    expect(await to.log.append(old.replica.revision, late)).toBe("conflict");
  });

  test("goes on from the object store when brokers come, in terms above all that is there", async () => {
    const old = await oldCell();
    const { open } = await restore(old);
    const replica = await open();
    const { world } = old;
    const run = async <Result>(command: Command<Result>) =>
      world.during(replica.submit(command)).then((outcome) => outcome.kind);
    await run((image, now) => registerBroker(image, newBroker("new"), now));
    const { nextBrokerId } = old.replica.image;
    expect([...replica.image.brokers.keys()]).toEqual([nextBrokerId + 2 ** 10]);
    const tieredEnds = (topicId: string, index: number) => {
      const { partitionEpoch = -1 } = replica.image.topics.get(topicId)?.partitions[index] ?? {};
      return { end: 40 + index, lastEpoch: index === 2 ? 5_000 : 3, partitionEpoch };
    };
    await run((image, now) => recoverPartitions(image, { ends: [], tieredEnds }, now));
    expect(replica.image.leaderlessCount).toBe(0);
    for (const { partitions } of replica.image.topics.values()) {
      for (const { index, recoveries, leaderEpoch } of partitions) {
        expect(recoveries).toMatchObject([{ end: 40 + index, start: 40 + index + 2 ** 40 }]);
        expect(leaderEpoch).toBeGreaterThan(index === 2 ? 5_000 : 2 ** 10);
      }
    }
    expect(imageProblems(replica.image)).toEqual([]);
  });

  test("is archived, and can be restored again", async () => {
    const old = await oldCell();
    const { open, to } = await restore(old);
    const replica = await open();
    await old.world.during(replica.maintain());
    expect(old.world.said).toEqual([]);
    const from = { objects: to.objects, cell: to.cell };
    const again = await restore(old, { from });
    expect(again.outcome).toMatchObject({ fromRevision: replica.revision });
    const { image } = await again.open();
    expect(lasting(image)).toEqual(lasting(replica.image));
  });

  test("may live where the old one did, in whose store it was", async () => {
    const old = await oldCell();
    const { store } = old.world;
    const to = { log: testLog(), objects: store, cell: "test" };
    const { outcome, open } = await restore(old, { to });
    expect(outcome.kind).toBe("restored");
    const replica = await open();
    expect(lasting(replica.image)).toEqual(lasting(old.replica.image));
    await old.world.during(replica.maintain());
    expect(old.world.said).toEqual([]);
  });

  test("in the old one's place leaves that readable in its own log, whose snapshots go on below", async () => {
    const old = await oldCell();
    const { world } = old;
    const to = { log: testLog(), objects: world.store, cell: "test" };
    const { open } = await restore(old, { to });
    const replica = await open();
    await old.add("later-there");
    const again = await world.open();
    worlds.push({ world, replica: again });
    expect(lasting(again.image)).toEqual(lasting(old.replica.image));
    expect(again.image.topics.size).toBe(replica.image.topics.size + 1);
    expect(world.said).toEqual([expect.stringMatching(/does not belong to the metadata log/)]);
  });
});

test("a log that was put back to an earlier time passes over the snapshots of what came after", async () => {
  const old = await oldCell();
  const { world } = old;
  const last = Math.max(...world.log.entries.keys());
  const snapshots = await listSnapshots(world.store, "test");
  const newest = snapshots.at(-1) ?? 0;
  expect(newest).toBeGreaterThan(1);
  for (let revision = newest; revision <= last; revision++) world.log.entries.delete(revision);
  // Once where the log ends before it, once where the log has another entry in its place.
  for (let round = 0; round < 2; round++) {
    const replica = await world.open();
    worlds.push({ world, replica });
    expect(replica.revision).toBe(newest - 1 + round);
    const made = await world.during(
      replica.submit((image, now) => createCluster(image, { name: `after-${round}` }, now)),
    );
    expect(made.kind).toBe("accepted");
    expect(world.said).toContainEqual(expect.stringMatching(/does not belong to the metadata log/));
    world.said.splice(0);
  }
});

describe("a restore", () => {
  test("to a revision has what was there then", async () => {
    const old = await oldCell(1_000);
    const revision = old.replica.revision - 3;
    const { outcome, open } = await restore(old, { revision });
    expect(outcome).toMatchObject({ kind: "restored", fromRevision: revision });
    const { image } = await open();
    const names = topicsOf(image).map(({ name }) => name);
    expect(names).toEqual(["t0", "t1", "t2", "t3", "t4", "t5"]);
    // Past what years have handed out since, and still far from what the protocol and JavaScript can count.
    const before = old.replica.image;
    expect(image.nextProducerId - before.nextProducerId).toBeGreaterThan(1e9);
    expect(image.nextProducerId).toBeLessThan(Number.MAX_SAFE_INTEGER / 1e3);
    expect(image.nextBrokerId - before.nextBrokerId).toBeGreaterThan(1e5);
    for (const { partitions } of image.topics.values())
      for (const { leaderEpoch } of partitions) {
        expect(leaderEpoch).toBeGreaterThan(1e6);
        expect(leaderEpoch).toBeLessThan(2 ** 31 / 1e3);
      }
  });

  test("far back reads several archives at once, and none behind it", async () => {
    const old = await oldCell(1_000);
    for (let index = 0; index < 40; index++) {
      await old.add(`later-${index}`);
      await old.world.during(old.replica.maintain());
    }
    const { objects, gets } = mostAtOnce(old.world.store);
    const revision = old.replica.revision - 1;
    const { outcome, open } = await restore(old, { from: { objects, cell: "test" }, revision });
    expect(outcome).toMatchObject({ kind: "restored", fromRevision: revision });
    expect(gets()).toBe(16);
    const names = topicsOf((await open()).image).map(({ name }) => name);
    expect(names).toContain("later-38");
    expect(names).not.toContain("later-39");
  });

  test("asks the object store about what nobody had led, unless nothing can have come after it", () => {
    const cell = readyCell(0);
    const { clusterId } = cell;
    const topic = { name: "new", partitionCount: 1 };
    cell.accept((image, now) => createTopic(image, { clusterId, topic }, now));
    const at = { cellId: "c", createdAtMs: 1, revision: 2 ** 21, hash: "ab".repeat(16) };
    const [now, past] = [false, true].map((isPast) => {
      const image = restoredImage(cell.image, { ...at, isPast });
      return [...image.topics.values()][0]?.partitions[0];
    });
    expect(now).toMatchObject({ replicas: [], lastIsr: [], leader: -1 });
    expect(past).toMatchObject({ replicas: [1], lastIsr: [1], leader: -1 });
    // Used after the last archived entry: the object store is asked for what it has.
    const stored = restoredImage(cell.image, {
      ...at,
      isPast: false,
      stored: { epochOf: () => 0, partitionCountOf: () => 0 },
    });
    expect([...stored.topics.values()][0]?.partitions[0]).toMatchObject({ lastIsr: [1] });
  });

  test("begins above what another restore has put there while this one was copying", async () => {
    const old = await oldCell();
    const to = { log: testLog(), objects: testObjects(), cell: "new" };
    const first = await restore(old, {
      to,
      async beforeItBegins() {
        const other = { ...to, log: testLog() };
        await restoreCell({ ...sharedOf(old), to: other });
      },
    });
    expect(first.outcome).toMatchObject({ kind: "restored" });
    const { image } = await first.open();
    expect(image.topics.size).toBe(old.replica.image.topics.size);
  });

  test("a cell is not begun where another has left its objects and its log is gone", async () => {
    const { world } = await oldCell();
    await world.during(world.open({ log: testLog() })).then(
      () => expect.fail("it began"),
      (error: unknown) => expect(error).toBeInstanceOf(LogIsLost),
    );
  });

  test("a store that is away when a cell begins is what a log that is away would be: to be tried again", async () => {
    const world = testWorld();
    onTestFinished(() => world.clock.close());
    const away = () => Promise.reject(new ObjectStoreError("unavailable", "slow down"));
    let lists = 0;
    const objects = Object.assign(testObjects(), {
      list: () => (++lists === 1 ? Promise.resolve([]) : away()),
    });
    await expect(world.open({ objects })).rejects.toMatchObject({
      name: "MetadataLogError",
      code: "unavailable",
    });
  });

  test("raises terms above those that are known of the store", async () => {
    const old = await oldCell();
    const { open } = await restore(old, {
      stored: { epochOf: (_, index) => index * 10_000 - 1, partitionCountOf: () => 3 },
    });
    const { image } = await open();
    for (const { partitions } of image.topics.values()) {
      expect(partitions[2]?.leaderEpoch).toBe(19_999 + 2 ** 10);
      expect(partitions[0]?.leaderEpoch).toBe(2 ** 10);
    }
  });

  test("has the partitions that a topic has grown by since, for the store has records of them", async () => {
    const old = await oldCell();
    const grown = [...old.replica.image.topics.values()].find(({ name }) => name === "t3");
    const { open } = await restore(old, {
      stored: {
        epochOf: (topicId, index) => (topicId === grown?.topicId && index === 4 ? 77 : -1),
        // Of the others somebody has put a folder there that is no partition's.
        partitionCountOf: (topicId) => (topicId === grown?.topicId ? 5 : 987_654_321),
      },
    });
    const replica = await open();
    const { image } = replica;
    const countOf = ({ partitions }: Topic) => partitions.length;
    expect(topicsOf(image).map(countOf)).toEqual([3, 3, 3, 5, 3, 3, 3]);
    const { partitions = [] } = image.topics.get(grown?.topicId ?? "") ?? {};
    expect(partitions[4]).toMatchObject({ leader: -1, leaderEpoch: 77 + 2 ** 10 });
    expect(imageProblems(image)).toEqual([]);
    // Not led before the store has told how far it reaches.
    const { world } = old;
    await world.during(replica.submit((now, at) => registerBroker(now, newBroker("new"), at)));
    expect(image.topics.get(grown?.topicId ?? "")?.partitions[4]).toMatchObject({ leader: -1 });
    const { partitionEpoch = -1 } = partitions[4] ?? {};
    const tieredEnds = () => ({ end: 40, lastEpoch: 77, partitionEpoch });
    const told = (now: Image, at: Parameters<Command<unknown>>[1]) =>
      recoverPartitions(now, { ends: [], tieredEnds }, at);
    await world.during(replica.submit(told));
    const [led] = image.topics.get(grown?.topicId ?? "")?.partitions.slice(4) ?? [];
    expect(led?.recoveries).toMatchObject([{ end: 40, start: 40 + 2 ** 40 }]);
    expect(imageProblems(image)).toEqual([]);
  });

  test("does nothing to a log that has entries, of a cell that is not there, or beyond its end", async () => {
    const old = await oldCell();
    const { log, store } = old.world;
    const taken = { log, objects: testObjects(), cell: "new" };
    expect((await restore(old, { to: taken })).outcome).toEqual({ kind: "notEmpty" });
    expect(taken.objects.objects.size).toBe(0);
    const from = { objects: store, cell: "other" };
    expect((await restore(old, { from })).outcome).toEqual({ kind: "nothing" });
    const { revision: lastRevision } = old.replica;
    const beyond = await restore(old, { revision: lastRevision + 1 });
    expect(beyond.outcome).toEqual({ kind: "tooNew", lastRevision });
    expect((beyond.to.log as ReturnType<typeof testLog>).entries.size).toBe(0);
  });

  test("says where an archive has a hole, and passes over a damaged snapshot", async () => {
    const old = await oldCell(1_000);
    const { store } = old.world;
    const lastKey = archiveKey("test", old.replica.revision);
    await old.add("more");
    await old.add("and-more");
    await old.world.during(old.replica.maintain());
    store.objects.delete(lastKey);
    await expect(restore(old)).rejects.toThrow("the archive lacks entry 1:");

    const other = await oldCell();
    const { objects } = other.world.store;
    for (const key of objects.keys()) {
      if (key.includes("/snapshots/")) objects.set(key, new Uint8Array(70));
    }
    const header = [...objects].find(([key]) => key.includes("/snapshots/"));
    if (header === undefined) throw new Error("there is a snapshot");
    header[1][0] = 1;
    header[1][1] = 6;
    const { outcome } = await restore(other);
    expect(outcome).toMatchObject({ kind: "restored", fromRevision: other.replica.revision });
    expect(outcome.kind === "restored" && outcome.damaged.length).toBe(1);
  });
});
