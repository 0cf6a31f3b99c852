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

test("a place that has lived since keeps its newer manifest", async () => {
  const { objects } = await oldCell();
  const to = { objects: createMemoryObjectStore(), cell: "new" };
  const manifest = (leaderEpoch: number) => {
    const empty = { pages: [], segments: [], leaving: [], cleanedTo: 0, expiring: nothingExpires };
    const place = { topicId: "orders", index: 0, revision: 1, logStartOffset: 0 };
    return encodeManifest({ ...place, ...empty, leaderEpoch });
  };
  const path = { topicId: "orders", index: 0 };
  await objects.put(manifestKey({ cell: "old", ...path }), manifest(7));
  const newer = await to.objects.put(manifestKey({ cell: "new", ...path }), manifest(1030));
  await expect(copyCellRecords({ from: { objects, cell: "old" }, to })).rejects.toBeInstanceOf(
    PlaceHasLived,
  );
  expect((await to.objects.head(manifestKey({ cell: "new", ...path })))?.etag).toBe(newer?.etag);
});
