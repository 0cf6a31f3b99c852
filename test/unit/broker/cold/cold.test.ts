import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { partitionKey } from "../../../../broker/cell/tier-ends.ts";
import { createCold } from "../../../../broker/cold/cold.ts";
import { defaultBrokerConfig } from "../../../../broker/config.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createManifestStore } from "../../../../broker/tiering/manifest-store.ts";
import { appendSegment } from "../../../../broker/tiering/manifest.ts";
import { manifestKey, objectKey } from "../../../../broker/tiering/object-keys.ts";
import { createImage } from "../../../../metadata/image/image.ts";
import { entryOf, path, randomOf } from "../tiering/objects.ts";

const { topicId } = path;
const partitions = Array.from({ length: 40 }, (_, index) => ({ topicId, index }));

function tierEnds() {
  const objects = createMemoryObjectStore();
  const { tierEnds: ends } = createCold({
    config: { ...defaultBrokerConfig, cellName: path.cell } as never,
    objects,
    metadata: { image: createImage() } as never,
    store: { maxBatchBytes: 1_024 } as never,
    clock: createManualClock(),
    random: randomOf(1),
    log: silentLog,
  });
  return { objects, ends };
}

test("of a partition whose manifest is damaged nothing is told, and of the others all", async () => {
  const { objects, ends } = tierEnds();
  await objects.put(manifestKey({ ...path, index: 1 }), Buffer.from("no manifest"));
  const told = await ends.ends(partitions.slice(0, 3));
  expect(partitions.slice(0, 3).map((each) => told.get(partitionKey(each)))).toEqual([
    { end: 0, lastEpoch: -1 },
    "damaged",
    { end: 0, lastEpoch: -1 },
  ]);
});

test("damaged ones in a row are no sign that the store does not answer", async () => {
  const { objects, ends } = tierEnds();
  for (const { index } of partitions.slice(0, 39))
    await objects.put(manifestKey({ ...path, index }), Buffer.from("no manifest"));
  const told = await ends.ends(partitions);
  const known = partitions.map((each) => told.get(partitionKey(each)) !== "damaged");
  expect(known).toEqual([...Array<boolean>(39).fill(false), true]);
});

test.each(["damaged", "gone"])(
  "segments that are %s, in a row, are no sign that the store does not answer",
  async (what) => {
    const { objects, ends } = tierEnds();
    const manifests = createManifestStore({ objects, random: randomOf(2) });
    for (const { index } of partitions.slice(0, 8)) {
      const at = { ...path, index };
      const claimed = await manifests.claim(at, { leaderEpoch: 0, logStartOffset: 0 });
      if (claimed.kind !== "stored") throw new Error(claimed.kind);
      const entry = entryOf(0, 10, { leaderEpoch: 0 });
      const appended = appendSegment(claimed.stored.manifest, entry, []);
      if (appended.kind !== "changed") throw new Error(appended.kind);
      await manifests.put(at, appended.manifest, claimed.stored);
      if (what === "damaged")
        await objects.put(objectKey(at, entry.name), Buffer.alloc(entry.sizeBytes));
    }
    const told = await ends.ends(partitions);
    const known = partitions.map((each) => told.get(partitionKey(each)) !== "damaged");
    expect(known).toEqual(partitions.map(({ index }) => index >= 8));
  },
);

test("what the store did not answer for is not taken for damaged", async () => {
  const { objects, ends } = tierEnds();
  objects.failNext("get", { times: 2 });
  const told = await ends.ends(partitions.slice(0, 2));
  expect([...told.values()]).toEqual(["unanswered", "unanswered"]);
});

test("a store that does not answer is not asked about every one of them", async () => {
  const { objects, ends } = tierEnds();
  let asked = 0;
  const before = { ...objects };
  objects.get = (...of) => {
    asked += 1;
    return before.get(...of);
  };
  objects.failNext("get", { times: 1_000 });
  const many = Array.from({ length: 400 }, (_, index) => ({ topicId, index }));
  await expect(ends.ends(many)).rejects.toThrow("unavailable");
  expect(asked).toBeLessThan(40);
});
