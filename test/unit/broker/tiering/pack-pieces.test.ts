import { expect, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { createPackPieces } from "../../../../broker/tiering/pack-pieces.ts";
import { createPackBuilder } from "../../../../broker/tiering/pack.ts";
import { ObjectStoreError } from "../../../../ports/object-store.ts";
import { batchOf, path } from "./objects.ts";

const key = "a.pack";
/** As many as leave pieces of 8 KiB, and as leave none. */
const [manyPacks, tooMany] = [4_096, 4_097];

/** A pack with a batch of each of so many partitions, and whoever counts what is asked for. */
async function scene(partitionCount: number, valueBytes = 1_000) {
  const objects = createMemoryObjectStore();
  const builder = createPackBuilder(new Uint8Array(32 * 1024 * 1024));
  for (let index = 0; index < partitionCount; index += 1)
    builder.add({ ...path, index }, batchOf({ baseOffset: index, valueBytes }));
  const { bytes, ranges } = builder.finish();
  await objects.put(key, bytes);
  const asked: { start: number; end: number }[] = [];
  const get: typeof objects.get = (of, range) => {
    asked.push(range!);
    return objects.get(of, range);
  };
  const batchesOf = (index: number): Uint8Array => {
    const { position, sizeBytes } = ranges[index]!;
    return bytes.slice(position, position + sizeBytes);
  };
  return { objects, get, ranges, batchesOf, asked };
}

test.each([1, manyPacks, tooMany])(
  "of %i packs each partition's batches come as they are in one, whatever lies at the borders of what is read",
  async (packCount) => {
    const { get, ranges, batchesOf, asked } = await scene(500);
    const pieces = createPackPieces({ objects: { get } });
    for (const [index, range] of ranges.entries()) {
      pieces.prefetch(key, range, packCount);
      const found = await pieces.range(key, range, packCount);
      expect(found).toEqual({ kind: "batches", bytes: expect.anything() });
      if (found.kind === "batches")
        expect(Buffer.from(found.bytes)).toEqual(Buffer.from(batchesOf(index)));
    }
    const bytes = ranges.at(-1)!.position + ranges.at(-1)!.sizeBytes;
    const perPiece = packCount === 1 ? 2 ** 20 : 2 ** 13;
    expect(asked).toHaveLength(packCount === tooMany ? 500 : Math.ceil(bytes / perPiece));
  },
);

test("those that ask for neighbours at once share a request, and who comes later needs none", async () => {
  const { get, ranges, asked } = await scene(100);
  const pieces = createPackPieces({ objects: { get } });
  await Promise.all(ranges.map((range) => pieces.range(key, range, 1)));
  await pieces.range(key, ranges[50]!, 1);
  expect(asked).toHaveLength(1);
  pieces.forget();
  await pieces.range(key, ranges[50]!, 1);
  expect(asked).toHaveLength(2);
});

test("a range that is larger than a piece is read alone, and not in advance", async () => {
  const { get, ranges, asked } = await scene(2, 10_000);
  const pieces = createPackPieces({ objects: { get } });
  const [range] = ranges;
  pieces.prefetch(key, range!, manyPacks);
  expect(asked).toEqual([]);
  expect((await pieces.range(key, range!, manyPacks)).kind).toBe("batches");
  const { position, sizeBytes } = range!;
  expect(asked).toEqual([{ start: position, end: position + sizeBytes }]);
});

test("what was damaged on its way is read again, and the store's own damage is told", async () => {
  const { objects, get, ranges, batchesOf } = await scene(3);
  let isNoisy = true;
  const noisy: typeof get = async (...of) => {
    const found = await get(...of);
    if (found === null || !isNoisy) return found;
    isNoisy = false;
    const bytes = Uint8Array.from(found.bytes);
    bytes[ranges[1]!.position + 70]! ^= 1;
    return { ...found, bytes };
  };
  const pieces = createPackPieces({ objects: { get: noisy } });
  const found = await pieces.range(key, ranges[1]!, 1);
  expect(found.kind === "batches" && Buffer.from(found.bytes)).toEqual(Buffer.from(batchesOf(1)));
  pieces.forget();
  const whole = await objects.get(key);
  const damaged = Uint8Array.from(whole!.bytes);
  damaged[ranges[1]!.position + 70]! ^= 1;
  await objects.put(key, damaged);
  expect((await pieces.range(key, ranges[1]!, 1)).kind).toBe("corrupt");
  expect((await pieces.range(key, ranges[2]!, 1)).kind).toBe("batches");
});

// A bad sector, under a directory of objects.
test("what lies beside something that cannot be read is read all the same", async () => {
  const { objects, ranges } = await scene(3);
  const bad = ranges[1]!.position + 70;
  const get: typeof objects.get = (of, range) =>
    range!.start <= bad && bad < range!.end
      ? Promise.reject(new ObjectStoreError("unavailable", "i/o error"))
      : objects.get(of, range);
  const pieces = createPackPieces({ objects: { get } });
  const found = await Promise.all(ranges.map((range) => pieces.range(key, range, 1)));
  const whole = { kind: "batches", bytes: expect.anything() };
  expect(found).toEqual([whole, { kind: "unavailable", message: "i/o error" }, whole]);
});

test("a pack that is gone, or a store that does not answer, is told, and asked again the next time", async () => {
  const { objects, ranges } = await scene(3);
  let isAway = true;
  const get: typeof objects.get = (...of) =>
    isAway ? Promise.reject(new ObjectStoreError("unavailable", "no answer")) : objects.get(...of);
  const pieces = createPackPieces({ objects: { get } });
  pieces.prefetch(key, ranges[0]!, 1);
  const failed = { kind: "unavailable", message: "no answer" };
  expect(await pieces.range(key, ranges[0]!, 1)).toEqual(failed);
  isAway = false;
  expect(await pieces.range("b.pack", ranges[0]!, 1)).toEqual({ kind: "gone" });
  expect((await pieces.range(key, ranges[0]!, 1)).kind).toBe("batches");
});

test("requests at once are bounded, and who finds too many waiting reads what it needs alone", async () => {
  const { objects, ranges } = await scene(1);
  const [range] = ranges;
  let [now, most, aloneCount] = [0, 0, 0];
  const get: typeof objects.get = async (_key, asked) => {
    const isAlone = asked!.end === range!.sizeBytes;
    if (isAlone) aloneCount += 1;
    else most = Math.max(most, (now += 1));
    await new Promise((resolve) => setImmediate(resolve));
    if (!isAlone) now -= 1;
    return objects.get(key, asked);
  };
  const pieces = createPackPieces({ objects: { get } });
  const keys = Array.from({ length: 1_200 }, (_, number) => `${number}.pack`);
  const found = await Promise.all(keys.map((each) => pieces.range(each, range!, 1)));
  expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(["batches"]));
  expect([most, aloneCount]).toEqual([32, 1_200 - 32 - 1_024]);
});
