import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";

import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import { accepted } from "../../../../metadata/commands/command.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { encodeSnapshot } from "../../../../metadata/image/snapshot.ts";
import { limits } from "../../../../metadata/limits.ts";
import { decodeArchive, encodeArchive } from "../../../../metadata/log/archive.ts";
import { archiveKey, snapshotKey } from "../../../../metadata/log/object-keys.ts";
import type { MetadataReplica } from "../../../../metadata/log/replica.ts";
import { MetadataLogError } from "../../../../ports/metadata-log.ts";
import { ObjectStoreError } from "../../../../ports/object-store.ts";
import type { Random } from "../../../../ports/random.ts";
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

  test("snapshots before that when the entries are large, also those of lives before", async () => {
    const world = testWorld();
    const limits = { snapshotEvery: 1_000, snapshotEveryBytes: 2_000 };
    const first = await openReplica(world, limits);
    const { result } = (await world.during(addCluster(first, "dev"))) as {
      result: { clusterId: string };
    };
    const add = (replica: MetadataReplica, count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, index) =>
          addTopic(replica, result.clusterId, `t${replica.revision}-${index}`),
        ),
      );
    await world.during(add(first, 6));
    expect(await world.during(first.maintain())).toMatchObject({ snapshotAt: 0 });
    await world.during(first.close());
    const second = await openReplica(world, limits);
    await world.during(add(second, 12));
    const { revision } = second;
    expect(await world.during(second.maintain())).toMatchObject({ snapshotAt: revision });
    await world.during(add(second, 6));
    expect(await world.during(second.maintain())).toMatchObject({ snapshotAt: revision });
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

  test("after a long rest takes the archive of a cell restored over the same objects for none of its own", async () => {
    const { world, replica, work } = await busyWorld(12);
    const other = await openReplica(world, { snapshotEvery: 10, trimMargin: 0 });
    await world.during(replica.maintain());
    const restoredAt = replica.revision + 2 ** 20;
    await world.store.put(snapshotKey("test", restoredAt), new Uint8Array());
    await world.store.put(archiveKey("test", restoredAt), encodeArchive([]));
    for (let round = 0; round < 3; round++) {
      await work(11);
      await world.during(other.maintain());
    }
    await work(2);
    const { archivedTo } = await world.during(replica.maintain());
    expect(archivedTo).toBe(replica.revision);
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

  test("of what has not changed asks neither log nor store", async () => {
    const { world, replica, work } = await busyWorld(12);
    const first = await world.during(replica.maintain());
    const calls: string[] = [];
    const { store, log } = world;
    for (const name of ["get", "put", "list", "delete", "head"] as const) {
      const real = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>;
      Object.assign(store, {
        [name]: (...args: unknown[]) => (calls.push(name), real(...args)),
      });
    }
    const { readCount } = log;
    expect(await replica.maintain()).toEqual(first);
    expect(log.readCount).toBe(readCount);
    expect(calls).toEqual([]);
    await work(1);
    expect(await world.during(replica.maintain())).toMatchObject({ archivedTo: 13 });
    expect(calls).toContain("put");
  });

  test("that failed halfway is finished by the next round, though nothing has changed", async () => {
    const { world, replica } = await busyWorld(12);
    const put = world.store.put.bind(world.store);
    world.store.put = async (key, bytes, condition) => {
      if (key.includes("/snapshots/")) throw new ObjectStoreError("unavailable", "503");
      return put(key, bytes, condition);
    };
    await expect(world.during(replica.maintain())).rejects.toMatchObject({ code: "unavailable" });
    expect(archivedTo(world)).toBe(12);
    world.store.put = put;
    await world.during(replica.maintain());
    expect(snapshotsOf(world)).toEqual([12]);
  });

  test("drops idempotency keys once they are a day old", async () => {
    const world = testWorld();
    const replica = await openReplica(world, { pollMs: 1e9 });
    const record = { kind: "idempotencyKey", scope: "", requestHash: "", reply: "" } as const;
    const remember = (key: string) =>
      world.during(
        replica.submit((_image, { nowMs }) =>
          accepted([{ ...record, key, createdAtMs: nowMs }], null),
        ),
      );
    await remember("old");
    await world.clock.advance(limits.idempotencyRetentionMs - 1_000);
    await remember("new");
    await world.during(replica.maintain());
    expect(replica.image.idempotencyKeys.size).toBe(2);
    await world.clock.advance(2_000);
    await world.during(replica.maintain());
    expect([...replica.image.idempotencyKeys.values()].map(({ key }) => key)).toEqual(["new"]);
  });

  test("that has much to trim archives what comes in meanwhile", async () => {
    const world = testWorld();
    const options = { snapshotEvery: 600, trimMargin: 0 };
    const replica = await openReplica(world, options);
    const change = () =>
      replica.submit((image) => accepted([{ kind: "level", level: image.level }], null));
    const work = async (count: number) => {
      for (let index = 0; index < count; index++) await world.during(change());
    };
    await work(600);
    await world.during(replica.maintain());
    await work(600);
    const trim = world.log.trim.bind(world.log);
    const archivedAtTrim: number[] = [];
    world.log.trim = async (before) => {
      archivedAtTrim.push(archivedTo(world));
      await trim(before);
      await change();
    };
    await world.during(replica.maintain());
    expect(archivedAtTrim).toEqual([1_201, 1_202, 1_203]);
    expect(archivedTo(world)).toBe(1_204);
    expect(Math.min(...world.log.entries.keys())).toBe(602);
  });
});

/** The highest revision up to which the archive has every entry, as the log had it. */
function archivedTo(world: TestWorld): number {
  const found = new Map<number, Uint8Array>();
  for (const [key, bytes] of world.store.objects) {
    if (!key.includes("/log/")) continue;
    for (const { revision, entry } of decodeArchive(bytes)) {
      const known = found.get(revision) ?? world.log.entries.get(revision) ?? entry;
      if (Buffer.compare(known, entry) !== 0) throw new Error(`${revision} is archived wrongly`);
      found.set(revision, entry);
    }
  }
  let revision = 0;
  while (found.has(revision + 1)) revision += 1;
  return revision;
}

function snapshotsOf(world: TestWorld): number[] {
  return [...world.store.objects.keys()]
    .filter((key) => key.includes("/snapshots/"))
    .map((key) => Number(key.slice(-16)))
    .sort((a, b) => a - b);
}

describe("maintenance by several processes at a time, with a store and a log that fail now and then", () => {
  /**
   * Gives what was done wrong, as it is done: every snapshot has the archive behind it, and nothing leaves the log that is not both archived and
   * behind two snapshots.
   */
  function watch(world: TestWorld, random: Random): string[] {
    const { log, store } = world;
    const put = store.put.bind(store);
    const trim = log.trim.bind(log);
    const wrongs: string[] = [];
    const mayFail = () => {
      if (random.float() < 0.1) throw new ObjectStoreError("unavailable", "503");
    };
    store.put = async (key, bytes, condition) => {
      mayFail();
      const archived = archivedTo(world);
      const isAhead = key.includes("/snapshots/") && Number(key.slice(-16)) > archived;
      if (isAhead) wrongs.push(`${key} with the archive at ${archived}`);
      const stored = await put(key, bytes, condition);
      mayFail();
      return stored;
    };
    log.trim = async (before) => {
      const [archived, fallback = 0] = [archivedTo(world), snapshotsOf(world).at(-2)];
      if (Math.min(archived, fallback) < before - 1) {
        wrongs.push(`trim before ${before}, archive at ${archived}, fallback ${fallback}`);
      }
      if (random.float() < 0.1) throw new MetadataLogError("unavailable", "timed out");
      await trim(before);
    };
    return wrongs;
  }

  test("loses no entry, and a process that starts afterwards has the same image", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
        const world = testWorld(seed);
        const random = createSeededRandom(seed);
        const wrongs = watch(world, random);
        const options = { snapshotEvery: 5, trimMargin: 2 };
        const replicas: MetadataReplica[] = [];
        for (let index = 0; index < 3; index++) replicas.push(await world.open(options));
        const round = async (replica: MetadataReplica, step: number) => {
          if (random.float() < 0.4) return void (await replica.maintain().catch(() => null));
          await addCluster(replica, `c${step}`);
        };
        for (let step = 0; step < 60; step++) {
          const busy = replicas.filter(() => random.float() < 0.5);
          await world.during(
            Promise.all(busy.map((replica, index) => round(replica, step * 3 + index))),
          );
        }
        const [keeper] = replicas;
        if (keeper === undefined) throw new Error("no replica");
        await world.during(keeper.readToHead());
        for (let isDone = false, tries = 0; !isDone; tries++) {
          expect(tries).toBeLessThan(50);
          isDone = await world.during(
            keeper.maintain().then(
              () => true,
              () => false,
            ),
          );
        }
        expect(wrongs).toEqual([]);
        expect(archivedTo(world)).toBe(keeper.revision);
        expect(world.said).toEqual([]);
        const late = await world.open(options);
        expect(encodeSnapshot(late.image)).toEqual(encodeSnapshot(keeper.image));
        for (const replica of [late, ...replicas]) await world.during(replica.close());
        world.clock.close();
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});
