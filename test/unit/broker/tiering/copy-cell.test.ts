import { expect, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import {
  CellStillWritten,
  copyCellRecords,
  PlaceHasLived,
} from "../../../../broker/tiering/copy-cell.ts";
import { encodeManifest } from "../../../../broker/tiering/manifest-codec.ts";
import { nothingExpires } from "../../../../broker/tiering/manifest.ts";
import { manifestKey, packKey } from "../../../../broker/tiering/object-keys.ts";
import type { ObjectStore } from "../../../../ports/object-store.ts";

const textOf = async (objects: ObjectStore, key: string): Promise<string | null> => {
  const found = await objects.get(key);
  return found === null ? null : Buffer.from(found.bytes).toString();
};

async function oldCell() {
  const objects = createMemoryObjectStore();
  const put = (key: string, text: string) => objects.put(key, Buffer.from(text));
  const orders = "cells/old/topics/orders/0";
  await put(`${orders}/a.segment`, "segment a");
  await put(`${orders}/manifest`, "names a");
  await put(`${orders}/manifest-pages/p`, "page");
  await put(packKey("old", { broker: 3, brokerEpoch: 7, sequence: 1 }), "pack");
  await put("cells/old/metadata/log/0000000000000009", "metadata");
  await put("cells/old/load/3", "load");
  await put("cells/older/topics/orders/0/z.segment", "another cell's");
  return { objects, put, orders };
}

test("brings segments, pages, manifests and packs under the new name, and nothing else", async () => {
  const { objects } = await oldCell();
  const to = { objects: createMemoryObjectStore(), cell: "new" };
  const done = await copyCellRecords({ from: { objects, cell: "old" }, to });
  expect(done).toEqual({ objectCount: 4, bytes: "segment anames apagepack".length });
  const keys = (await to.objects.list("")).map(({ key }) => key);
  expect(keys).toEqual([
    packKey("new", { broker: 3, brokerEpoch: 7, sequence: 1 }),
    "cells/new/topics/orders/0/a.segment",
    manifestKey({ cell: "new", topicId: "orders", index: 0 }),
    "cells/new/topics/orders/0/manifest-pages/p",
  ]);
  expect(await textOf(to.objects, "cells/new/topics/orders/0/manifest")).toBe("names a");
});

test("goes on where it was, and puts nothing twice but manifests", async () => {
  const { objects } = await oldCell();
  const target = createMemoryObjectStore();
  let left = 3;
  const failing: ObjectStore = {
    ...target,
    put: (...call) => (left-- > 0 ? target.put(...call) : Promise.reject(new Error("no more"))),
  };
  const from = { objects, cell: "old" };
  await expect(copyCellRecords({ from, to: { objects: failing, cell: "new" } })).rejects.toThrow(
    "no more",
  );
  // All but the manifest, which is last.
  expect((await target.list("")).map(({ key }) => key)).not.toContain(
    "cells/new/topics/orders/0/manifest",
  );
  const puts: string[] = [];
  const watched: ObjectStore = {
    ...target,
    put: (key, ...rest) => (puts.push(key), target.put(key, ...rest)),
  };
  await copyCellRecords({ from, to: { objects: watched, cell: "new" } });
  expect(puts).toEqual(["cells/new/topics/orders/0/manifest"]);
});

test("follows what a last writer still does, so that a manifest names what is there", async () => {
  const { objects, put, orders } = await oldCell();
  let isWritten = false;
  const source: ObjectStore = {
    ...objects,
    async get(key, range) {
      const found = await objects.get(key, range);
      if (key.endsWith("/manifest") && !isWritten) {
        isWritten = true;
        await put(`${orders}/b.segment`, "segment b");
        await put(`${orders}/manifest`, "names a and b");
      }
      return found;
    },
  };
  const to = { objects: createMemoryObjectStore(), cell: "new" };
  await copyCellRecords({ from: { objects: source, cell: "old" }, to });
  expect(await textOf(to.objects, "cells/new/topics/orders/0/manifest")).toBe("names a and b");
  expect(await textOf(to.objects, "cells/new/topics/orders/0/b.segment")).toBe("segment b");
});

test("refuses a cell that does not stand still", async () => {
  const { objects, put, orders } = await oldCell();
  let count = 0;
  const source: ObjectStore = {
    ...objects,
    async get(key, range) {
      await put(`${orders}/${count++}.segment`, "more");
      return objects.get(key, range);
    },
  };
  const to = { objects: createMemoryObjectStore(), cell: "new" };
  await expect(
    copyCellRecords({ from: { objects: source, cell: "old" }, to }),
  ).rejects.toBeInstanceOf(CellStillWritten);
});

const path = { topicId: "orders", index: 0 };

function manifestOf(leaderEpoch: number, revision = 1): Uint8Array {
  const empty = { pages: [], segments: [], leaving: [], cleanedTo: 0, expiring: nothingExpires };
  return encodeManifest({ ...path, ...empty, logStartOffset: 0, leaderEpoch, revision });
}

test.each([
  ["of a later term", manifestOf(1030)],
  ["of a later change in the same term", manifestOf(7, 5)],
])("a place that has lived since keeps its manifest %s", async (_, newer) => {
  const { objects } = await oldCell();
  const to = { objects: createMemoryObjectStore(), cell: "new" };
  await objects.put(manifestKey({ cell: "old", ...path }), manifestOf(7, 4));
  const put = await to.objects.put(manifestKey({ cell: "new", ...path }), newer);
  await expect(copyCellRecords({ from: { objects, cell: "old" }, to })).rejects.toBeInstanceOf(
    PlaceHasLived,
  );
  expect((await to.objects.head(manifestKey({ cell: "new", ...path })))?.etag).toBe(put?.etag);
});

test("a manifest that a leader claims while it is copied stays the leader's", async () => {
  const { objects } = await oldCell();
  await objects.put(manifestKey({ cell: "old", ...path }), manifestOf(7));
  const target = createMemoryObjectStore();
  const key = manifestKey({ cell: "new", ...path });
  const claimed = manifestOf(1031);
  const watched: ObjectStore = {
    ...target,
    async get(wanted, range) {
      const found = await target.get(wanted, range);
      if (wanted === key && found === null) await target.put(key, claimed);
      return found;
    },
  };
  const from = { objects, cell: "old" };
  await expect(
    copyCellRecords({ from, to: { objects: watched, cell: "new" } }),
  ).rejects.toBeInstanceOf(PlaceHasLived);
  expect(Buffer.from((await target.get(key))?.bytes ?? [])).toEqual(Buffer.from(claimed));
});

test.each(["kcap", "another cell's"])(
  "a pack of another cell is neither passed over nor replaced by one of its name: %s",
  async (theirs) => {
    const { objects } = await oldCell();
    const to = { objects: createMemoryObjectStore(), cell: "new" };
    const key = packKey("new", { broker: 3, brokerEpoch: 7, sequence: 1 });
    await to.objects.put(key, Buffer.from(theirs));
    await expect(copyCellRecords({ from: { objects, cell: "old" }, to })).rejects.toBeInstanceOf(
      PlaceHasLived,
    );
    expect(await textOf(to.objects, key)).toBe(theirs);
  },
);

test("holds no more in memory than two segments, however many are small", async () => {
  const { objects } = await oldCell();
  const [small, large] = [64 * 1024, 64 * 1024 * 1024];
  const sizes = Array.from({ length: 40 }, (_, index) => (index % 9 === 0 ? large : small));
  let held = 0;
  let most = { bytes: 0, count: 0 };
  let count = 0;
  const source: ObjectStore = {
    ...objects,
    list: async (prefix, options) =>
      prefix.endsWith("/topics/") && options?.startAfter === undefined
        ? sizes.map((sizeBytes, index) => ({
            key: `${prefix}orders/0/${String(index).padStart(4, "0")}.segment`,
            sizeBytes,
          }))
        : [],
    async get(key) {
      const sizeBytes = sizes[Number(/(\d{4})\.segment/.exec(key)?.[1])] ?? 0;
      held += sizeBytes;
      count += 1;
      most = { bytes: Math.max(most.bytes, held), count: Math.max(most.count, count) };
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      held -= sizeBytes;
      count -= 1;
      return { bytes: new Uint8Array(), etag: key, sizeBytes };
    },
  };
  const to = { objects: createMemoryObjectStore(), cell: "new" };
  await copyCellRecords({ from: { objects: source, cell: "old" }, to });
  expect(most.bytes).toBeLessThanOrEqual(2 * large);
  expect(most.count).toBeGreaterThan(2);
});
