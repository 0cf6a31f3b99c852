import { afterEach, expect, test } from "vitest";

import { restoreCell } from "../../../../metadata/log/restore.ts";
import { listSnapshots } from "../../../../metadata/log/snapshots.ts";
import type { MetadataLog } from "../../../../ports/metadata-log.ts";
import { MetadataLogError } from "../../../../ports/metadata-log.ts";
import type { ObjectStore } from "../../../../ports/object-store.ts";
import { closeWorlds, oldCell, restore, sharedOf } from "./old-cell.ts";
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
