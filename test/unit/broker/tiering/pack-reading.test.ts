import { expect, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { brokerPacksPrefix, packKey } from "../../../../broker/tiering/object-keys.ts";
import { createPackBuilder } from "../../../../broker/tiering/pack.ts";
import {
  listPacks,
  loadPackDirectory,
  loadPackRange,
} from "../../../../broker/tiering/pack-reading.ts";
import { batchOf } from "./objects.ts";

const topicId = "AAAAAAAAAAAAAAAAAAAAAA";

/** A pack with one batch of each of these partitions. */
const packOf = (partitions: number): Uint8Array => {
  const builder = createPackBuilder(new Uint8Array(1024 + partitions * 200));
  for (let index = 0; index < partitions; index += 1) {
    const added = builder.add({ topicId, index }, batchOf({ baseOffset: index }));
    if (added.kind !== "added") throw new Error(added.kind);
  }
  return builder.finish().bytes;
};

const stored = async (partitions: number) => {
  const objects = createMemoryObjectStore();
  const key = packKey("blue", { broker: 1, brokerEpoch: 2, sequence: 3 });
  const bytes = packOf(partitions);
  await objects.put(key, bytes);
  return { objects, key, bytes, pack: { key, sizeBytes: bytes.length } };
};

test.each([1, 3, 5000])(
  "the directory of a pack of %i ranges is read, and each range by it",
  async (count) => {
    const { objects, key, pack } = await stored(count);
    const loaded = await loadPackDirectory(objects, pack);
    if (loaded.kind !== "directory") throw new Error(loaded.kind);
    expect(loaded.ranges).toHaveLength(count);
    const range = loaded.ranges.at(-1)!;
    const batches = await loadPackRange(objects, key, range);
    if (batches.kind !== "batches") throw new Error(batches.kind);
    expect(Buffer.compare(batches.bytes, batchOf({ baseOffset: count - 1 }))).toBe(0);
  },
);

test("packs are listed part by part, what is none among them left out", async () => {
  const objects = createMemoryObjectStore();
  const names = [1, 2].flatMap((broker) =>
    [1, 2, 3].map((sequence) => ({ broker, brokerEpoch: 9, sequence })),
  );
  for (const name of names) await objects.put(packKey("blue", name), new Uint8Array(7));
  await objects.put("cells/blue/packs/notes", new Uint8Array(1));
  await objects.put(packKey("green", names[0]!), new Uint8Array(1));
  const found: unknown[] = [];
  let startAfter: string | null = null;
  do {
    const part = await listPacks(objects, "blue", { limit: 2, startAfter });
    if (part.kind !== "listed") throw new Error(part.kind);
    expect(part.packs.length).toBeLessThanOrEqual(2);
    found.push(...part.packs);
    startAfter = part.startAfter;
  } while (startAfter !== null);
  expect(found).toEqual(
    names.map((name) => ({ ...name, key: packKey("blue", name), sizeBytes: 7 })),
  );
  const one = await listPacks(objects, "blue", { prefix: brokerPacksPrefix("blue", 2) });
  expect(one).toMatchObject({ packs: [{ broker: 2 }, { broker: 2 }, { broker: 2 }] });
});

test("a pack that is gone, damaged or out of reach is told", async () => {
  const { objects, key, bytes, pack } = await stored(2);
  const loaded = await loadPackDirectory(objects, pack);
  if (loaded.kind !== "directory") throw new Error(loaded.kind);
  const range = loaded.ranges[0]!;
  objects.failNext("get");
  expect((await loadPackDirectory(objects, pack)).kind).toBe("unavailable");
  const damaged = new Uint8Array(bytes);
  damaged[70]! ^= 1;
  damaged[damaged.length - 30]! ^= 1;
  await objects.put(key, damaged);
  expect((await loadPackDirectory(objects, pack)).kind).toBe("corrupt");
  expect((await loadPackRange(objects, key, range)).kind).toBe("corrupt");
  await objects.put(key, bytes.subarray(0, 5));
  expect((await loadPackDirectory(objects, { key, sizeBytes: 5 })).kind).toBe("corrupt");
  await objects.delete(key);
  expect((await loadPackDirectory(objects, pack)).kind).toBe("gone");
  expect((await loadPackRange(objects, key, range)).kind).toBe("gone");
  objects.failNext("list");
  expect((await listPacks(objects, "blue")).kind).toBe("unavailable");
});
