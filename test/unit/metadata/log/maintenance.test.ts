import { afterEach, describe, expect, test } from "vitest";

import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { encodeSnapshot } from "../../../../metadata/image/snapshot.ts";
import { decodeArchive } from "../../../../metadata/log/archive.ts";
import type { MetadataReplica } from "../../../../metadata/log/replica.ts";
import { testWorld } from "./test-log.ts";
import type { TestWorld } from "./test-log.ts";

const open: { replica: MetadataReplica; world: TestWorld }[] = [];

async function openReplica(world: TestWorld, options: Parameters<TestWorld["open"]>[0] = {}) {
  const replica = await world.open(options);
  open.push({ replica, world });
  return replica;
}

afterEach(async () => {
  for (const { replica, world } of open.splice(0)) {
    await world.during(replica.close());
    world.clock.close();
  }
});

function addCluster(replica: MetadataReplica, name: string) {
  return replica.submit((image, context) => createCluster(image, { name }, context));
}

function addTopic(replica: MetadataReplica, clusterId: string, name: string) {
  return replica.submit((image, context) =>
    createTopic(image, { clusterId, topic: { name } }, context),
  );
}

describe("maintenance", () => {
  async function busyWorld(entryCount: number) {
    const world = testWorld();
    const replica = await openReplica(world, { snapshotEvery: 10, trimMargin: 3 });
    const { result } = (await world.during(addCluster(replica, "dev"))) as {
      result: { clusterId: string };
    };
    const work = async (count: number) => {
      for (let index = 0; index < count; index++) {
        await world.during(addTopic(replica, result.clusterId, `t${replica.revision}`));
      }
    };
    await work(entryCount - 2);
    return { world, replica, work };
  }

  test("archives to the head, snapshots every so many entries and trims behind the second newest", async () => {
    const { world, replica, work } = await busyWorld(12);
    expect(await world.during(replica.maintain())).toEqual({
      archivedTo: 12,
      snapshotAt: 12,
      trimmedBefore: 0,
    });
    await work(5);
    expect(await world.during(replica.maintain())).toMatchObject({
      archivedTo: 17,
      snapshotAt: 12,
    });
    await work(15);
    expect(await world.during(replica.maintain())).toEqual({
      archivedTo: 32,
      snapshotAt: 32,
      trimmedBefore: 10,
    });
    expect(Math.min(...world.log.entries.keys())).toBe(10);
    const keys = [...world.store.objects.keys()];
    const archived = keys
      .filter((key) => key.includes("/log/"))
      .flatMap((key) => decodeArchive(world.store.objects.get(key) ?? new Uint8Array()));
    expect(archived.map(({ revision }) => revision)).toEqual(
      Array.from({ length: 32 }, (_, index) => index + 1),
    );
  });

  test("by another process goes on where the archive ends", async () => {
    const { world, replica, work } = await busyWorld(12);
    await world.during(replica.maintain());
    await work(3);
    const other = await openReplica(world, { snapshotEvery: 10, trimMargin: 3 });
    await world.during(other.maintain());
    expect([...world.store.objects.keys()].filter((key) => key.includes("/log/"))).toEqual([
      "cells/test/metadata/log/0000000000000012",
      "cells/test/metadata/log/0000000000000015",
    ]);
  });

  test("after a long rest goes on where another process has archived to, and calls nothing lost", async () => {
    const { world, replica, work } = await busyWorld(12);
    const other = await openReplica(world, { snapshotEvery: 10, trimMargin: 0 });
    await world.during(replica.maintain());
    for (let round = 0; round < 3; round++) {
      await work(11);
      await world.during(other.maintain());
    }
    expect(Math.min(...world.log.entries.keys())).toBeGreaterThan(13);
    await work(2);
    const { archivedTo } = await world.during(replica.maintain());
    expect(archivedTo).toBe(replica.revision);
    expect(world.said).toEqual([]);
    const revisions = [...world.store.objects.entries()]
      .filter(([key]) => key.includes("/log/"))
      .flatMap(([, bytes]) => decodeArchive(bytes).map(({ revision }) => revision));
    expect(revisions).toEqual(Array.from({ length: archivedTo }, (_, index) => index + 1));
  });

  test("says what is lost when entries were trimmed that nobody archived, and goes on behind a snapshot", async () => {
    const { world, replica, work } = await busyWorld(12);
    await world.during(replica.maintain());
    for (const key of world.store.objects.keys()) {
      if (key.includes("/log/")) world.store.objects.delete(key);
    }
    await world.log.trim(10);
    await work(3);
    const other = await openReplica(world, { snapshotEvery: 10 });
    expect(await world.during(other.maintain())).toMatchObject({ archivedTo: 15 });
    expect(world.said).toEqual(["entries were trimmed before they were archived"]);
  });

  test("keeps a few snapshots, and a damaged one costs nothing but a message", async () => {
    const { world, replica, work } = await busyWorld(12);
    for (let round = 0; round < 5; round++) {
      await world.during(replica.maintain());
      await work(10);
    }
    const snapshots = [...world.store.objects.keys()].filter((key) => key.includes("/snapshots/"));
    expect(snapshots).toHaveLength(3);
    const newest = snapshots.toSorted().at(-1) ?? "";
    const bytes = world.store.objects.get(newest);
    if (bytes === undefined) throw new Error("no snapshot");
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    const late = await openReplica(world);
    expect(late.revision).toBe(replica.revision);
    expect(encodeSnapshot(late.image)).toEqual(encodeSnapshot(replica.image));
    expect(world.said).toContain("a metadata snapshot is damaged; the one before it is used");
  });

  test("that trims between a replica's reading of snapshot and log does not stop that replica", async () => {
    const { world, replica, work } = await busyWorld(12);
    await world.during(replica.maintain());
    const get = world.store.get.bind(world.store);
    world.store.get = async (key) => {
      const snapshot = await get(key);
      world.store.get = get;
      for (let round = 0; round < 3; round++) {
        await work(15);
        await world.during(replica.maintain());
      }
      return snapshot;
    };
    const late = await openReplica(world);
    expect(encodeSnapshot(late.image)).toEqual(encodeSnapshot(replica.image));
  });

  test("a replica that slept through a trim loads the newest snapshot and says that all may have changed", async () => {
    const { world, replica, work } = await busyWorld(12);
    const asleep = await openReplica(world, {
      log: { ...world.log, onAppend: () => () => {} },
      pollMs: 1e9,
    });
    const heard: string[] = [];
    asleep.onChange((changes) => heard.push(...changes.map(({ kind }) => kind)));
    for (let round = 0; round < 3; round++) {
      await world.during(replica.maintain());
      await work(15);
    }
    await world.during(replica.maintain());
    expect(Math.min(...world.log.entries.keys())).toBeGreaterThan(asleep.revision + 1);
    const kept = asleep.image;
    await world.during(asleep.readToHead());
    expect(asleep.image).toBe(kept);
    expect(asleep.revision).toBe(replica.revision);
    expect(heard[0]).toBe("reloaded");
  });
});
