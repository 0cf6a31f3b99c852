import { expect, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { encodeManifest } from "../../../../broker/tiering/manifest-codec.ts";
import { nothingExpires } from "../../../../broker/tiering/manifest.ts";
import { manifestKey, packKey } from "../../../../broker/tiering/object-keys.ts";
import { createPackBuilder } from "../../../../broker/tiering/pack.ts";
import { storedEpochs } from "../../../../broker/tiering/stored-epochs.ts";
import { mostAtOnce } from "../../../support/most-at-once.ts";
import { batchOf } from "./objects.ts";

const cell = "blue";
const [orders, packed] = ["AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBA"];

test("are the highest that manifests and packs were written in, of each partition, and not nothing where one is damaged", async () => {
  const objects = createMemoryObjectStore();
  const claimed = (index: number, leaderEpoch: number) => {
    const empty = { pages: [], segments: [], leaving: [], cleanedTo: 0, expiring: nothingExpires };
    const manifest = { topicId: orders, index, leaderEpoch, revision: 1, logStartOffset: 0 };
    const bytes = encodeManifest({ ...manifest, ...empty });
    return objects.put(manifestKey({ cell, topicId: orders, index }), bytes);
  };
  await claimed(0, 7);
  await claimed(1, 3);
  await claimed(10, 9);
  await objects.put(manifestKey({ cell, topicId: orders, index: 2 }), Buffer.from("damaged"));
  const builder = createPackBuilder(new Uint8Array(4_096));
  builder.add({ topicId: orders, index: 1 }, batchOf({ baseOffset: 0, leaderEpoch: 5 }));
  builder.add({ topicId: packed, index: 0 }, batchOf({ baseOffset: 0, leaderEpoch: 4 }));
  const key = packKey(cell, { broker: 1, brokerEpoch: 2, sequence: 0 });
  await objects.put(key, builder.finish().bytes);
  const { epochOf, partitionCountOf } = await storedEpochs({ objects, cell });
  const found = [0, 1, 2, 3, 10].map((index) => epochOf(orders, index));
  expect(found).toEqual([7, 5, 0, -1, 9]);
  expect(epochOf(packed, 0)).toBe(4);
  expect([orders, packed, "other"].map(partitionCountOf)).toEqual([11, 1, 0]);
});

test("are asked for several at once, and not for all at once", async () => {
  const objects = createMemoryObjectStore();
  for (let index = 0; index < 40; index++) {
    const topicId = `${String(index).padStart(21, "0")}A`;
    await objects.put(manifestKey({ cell, topicId, index }), Buffer.from("damaged"));
    const builder = createPackBuilder(new Uint8Array(4_096));
    builder.add({ topicId, index }, batchOf({ baseOffset: 0, leaderEpoch: index }));
    const key = packKey(cell, { broker: 1, brokerEpoch: 2, sequence: index });
    await objects.put(key, builder.finish().bytes);
  }
  const watched = mostAtOnce(objects);
  const { epochOf } = await storedEpochs({ objects: watched.objects, cell });
  expect(epochOf(`${"39".padStart(21, "0")}A`, 39)).toBe(39);
  expect(watched.gets()).toBe(16);
});

test("are told of a pack that was damaged on its way only, and not at all without one of a later version", async () => {
  const objects = createMemoryObjectStore();
  const builder = createPackBuilder(new Uint8Array(4_096));
  builder.add({ topicId: packed, index: 0 }, batchOf({ baseOffset: 0, leaderEpoch: 4 }));
  const key = packKey(cell, { broker: 1, brokerEpoch: 2, sequence: 0 });
  const { bytes } = builder.finish();
  await objects.put(key, bytes);
  const before = { ...objects };
  let getCount = 0;
  objects.get = async (...of) => {
    const found = await before.get(...of);
    getCount += 1;
    if (found !== null && getCount === 1) found.bytes[found.bytes.length - 30]! ^= 1;
    return found;
  };
  expect((await storedEpochs({ objects, cell })).epochOf(packed, 0)).toBe(4);
  const later = Uint8Array.from(bytes);
  later[later.length - 9] = 3;
  await before.put(key, later);
  await expect(storedEpochs({ objects, cell })).rejects.toThrow("version 3");
});
