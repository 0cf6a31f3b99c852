import { afterEach, expect, test } from "vitest";

import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { archiveKey, snapshotKey } from "../../../../metadata/log/object-keys.ts";
import type { MetadataReplica } from "../../../../metadata/log/replica.ts";
import { restoreCell } from "../../../../metadata/log/restore.ts";
import { listSnapshots } from "../../../../metadata/log/snapshots.ts";
import type { MetadataLog } from "../../../../ports/metadata-log.ts";
import { MetadataLogError } from "../../../../ports/metadata-log.ts";
import type { ObjectStore } from "../../../../ports/object-store.ts";
import { closeWorlds, oldCell, restore, sharedOf, worlds } from "./old-cell.ts";
import type { Old } from "./old-cell.ts";
import { testLog, testObjects } from "./test-log.ts";

afterEach(closeWorlds);

/** Does something in front of the first put of a snapshot. */
function beforeSnapshot(objects: ObjectStore, act: () => Promise<unknown>): ObjectStore {
  let isDue = true;
  return {
    ...objects,
    async put(key, ...rest) {
      if (isDue && key.includes("/snapshots/")) {
        isDue = false;
        await act();
      }
      return objects.put(key, ...rest);
    },
  };
}

test("of two restores that meet at one revision the log has one, which its snapshot belongs to", async () => {
  const old = await oldCell();
  const objects = testObjects();
  const log = testLog();
  // The other one has its snapshot there, and has yet to begin the log.
  let begin = (): void => undefined;
  const mayBegin = new Promise<void>((resolve) => (begin = resolve));
  const slow: MetadataLog = {
    ...log,
    genesis: (...call) => mayBegin.then(() => log.genesis(...call)),
  };
  const others: ReturnType<typeof restoreCell>[] = [];
  const meeting = beforeSnapshot(objects, async () => {
    others.push(restoreCell({ ...sharedOf(old), to: { objects, cell: "new", log: slow } }));
    while ((await listSnapshots(objects, "new")).length === 0) await Promise.resolve();
  });
  const { outcome, open } = await restore(old, { to: { objects: meeting, cell: "new", log } });
  begin();
  expect(outcome.kind).toBe("restored");
  expect(await Promise.all(others)).toEqual([{ kind: "notEmpty" }]);
  const { image } = await open();
  expect(image.cellId).toBe(outcome.kind === "restored" && outcome.cellId);
});

test("a restore that came too late leaves no snapshot above the log of the one that was faster", async () => {
  const old = await oldCell();
  const to = { objects: testObjects(), cell: "new", log: testLog() };
  const late = await restore(old, {
    to,
    async beforeItBegins() {
      await restoreCell({ ...sharedOf(old), to });
    },
  });
  expect(late.outcome).toEqual({ kind: "notEmpty" });
  const first = Math.min(...to.log.entries.keys());
  expect(await listSnapshots(to.objects, "new")).toEqual([first - 1]);
  const replica = await late.open();
  await old.world.during(replica.maintain());
  expect(old.world.said).toEqual([]);
  const again = await restore(old, { from: { objects: to.objects, cell: "new" } });
  expect(again.outcome).toMatchObject({ fromRevision: first });
});

test("a restore reads again what was archived meanwhile, and refuses a cell that does not stand still", async () => {
  const old = await oldCell();
  let left = 1;
  let rounds = 0;
  const goOn = async () => {
    rounds += 1;
    if (left-- <= 0) return;
    await old.add(`later-${rounds}`);
    await old.world.during(old.replica.maintain());
  };
  const stopped = await restore(old, { beforeItBegins: goOn });
  expect(stopped.outcome).toMatchObject({ kind: "restored", fromRevision: old.replica.revision });
  expect(rounds).toBe(2);
  left = Infinity;
  const late = await restore(old, { beforeItBegins: goOn });
  expect(late.outcome).toEqual({ kind: "stillWritten" });
  expect((late.to.log as ReturnType<typeof testLog>).entries.size).toBe(0);
});

test("a restore in place does not take another one's first archive for the former cell's", async () => {
  const old = await oldCell();
  const place = { objects: old.world.store, cell: "test" };
  const { outcome } = await restore(old, {
    to: { ...place, log: testLog() },
    async beforeItBegins() {
      await restoreCell({ ...sharedOf(old), to: { ...place, log: testLog() } });
    },
  });
  expect(outcome.kind).toBe("restored");
});

test("a restore whose answer got lost finds that it has begun the log", async () => {
  const old = await oldCell();
  const log = testLog();
  const lossy: MetadataLog = {
    ...log,
    async genesis(...call) {
      await log.genesis(...call);
      throw new MetadataLogError("unavailable", "timed out");
    },
  };
  const to = { objects: testObjects(), cell: "new", log: lossy };
  const { outcome } = await restore(old, { to });
  expect(outcome.kind).toBe("restored");
});

const addTopics = async ({ world, clusterId }: Old, replica: MetadataReplica, names: string[]) => {
  for (const name of names)
    await world.during(
      replica.submit((image, now) => createTopic(image, { clusterId, topic: { name } }, now)),
    );
};

test("a cell goes on to be archived below what a restore has left above it and died", async () => {
  const old = await oldCell();
  const { world } = old;
  const above = 2 ** 21;
  const newest = (await listSnapshots(world.store, "test")).at(-1) ?? 0;
  const left = world.store.objects.get(snapshotKey("test", newest)) ?? new Uint8Array();
  await world.store.put(snapshotKey("test", above), left);
  await world.store.put(archiveKey("test", above), new Uint8Array());
  const replica = await world.open({ snapshotEvery: 5, trimMargin: 2 });
  worlds.push({ world, replica });
  await addTopics(old, replica, ["a", "b", "c", "d", "e", "f"]);
  await world.during(replica.maintain());
  const { revision } = replica;
  expect(await listSnapshots(world.store, "test")).toContain(revision);
  const { outcome } = await restore(old, { revision });
  expect(outcome).toMatchObject({ kind: "restored", fromRevision: revision });
});

test("a restored cell can go back to each of its revisions, however many snapshots came since", async () => {
  const old = await oldCell();
  const { open, to } = await restore(old);
  await old.world.during((await open()).close());
  const replica = await old.world.open({ ...to, snapshotEvery: 2, trimMargin: 1 });
  worlds.push({ world: old.world, replica });
  const first = replica.revision;
  for (let count = 0; count < 12; count++) {
    await addTopics(old, replica, [`later-${count}`]);
    await old.world.during(replica.maintain());
  }
  const from = { objects: to.objects, cell: to.cell };
  for (const revision of [first, first + 3]) {
    const { outcome } = await restore(old, { from, revision });
    expect(outcome).toMatchObject({ kind: "restored", fromRevision: revision });
  }
});

test("a revision that a restore has left out is told from the last one before it", async () => {
  const old = await oldCell();
  const place = { objects: old.world.store, cell: "test" };
  await restore(old, { to: { ...place, log: testLog() } });
  const last = old.replica.revision;
  const { outcome } = await restore(old, { revision: last + 1 });
  expect(outcome).toEqual({ kind: "tooNew", lastRevision: last });
  expect((await restore(old, { revision: last })).outcome).toMatchObject({ fromRevision: last });
});
