import { expect, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { atDistance, meter } from "../../../../bench/cold/metered-store.ts";

test("what is put is counted by what it is, and what is read by its bytes", async () => {
  const { objects, figures } = meter(createMemoryObjectStore());
  const partition = "cells/c/topics/t/0";
  await objects.put(`${partition}/00000000000000000000-1-x.segment`, new Uint8Array(100));
  await objects.put(`${partition}/manifest`, new Uint8Array(10));
  await objects.put(`${partition}/manifest`, new Uint8Array(10), { ifAbsent: true });
  await objects.put(`${partition}/manifest-pages/00000000000000000000-x`, new Uint8Array(7));
  await objects.put("cells/c/packs/1/0000000000000001/0000000000000000.pack", new Uint8Array(50));
  await objects.put("cells/c/metadata/snapshot", new Uint8Array(5));
  expect(figures.puts).toEqual({
    segment: { count: 1, bytes: 100 },
    manifest: { count: 2, bytes: 20 },
    page: { count: 1, bytes: 7 },
    pack: { count: 1, bytes: 50 },
    metadata: { count: 1, bytes: 5 },
  });
  await objects.get(`${partition}/manifest`, { start: 2, end: 6 });
  await objects.get("cells/c/nothing");
  await objects.head(`${partition}/manifest`);
  expect(figures.gets).toEqual({ count: 3, bytes: 4 });
  await objects.list(partition);
  await objects.delete(`${partition}/manifest`);
  expect([figures.lists.count, figures.deletes.count]).toEqual([1, 1]);
});

test("a store at a distance is the same store", async () => {
  const near = createMemoryObjectStore();
  const far = atDistance(near, { firstByteMs: 1, bytesPerSecond: 1e9 });
  await far.put("a/b", Uint8Array.of(1, 2, 3));
  expect((await near.get("a/b"))?.bytes).toEqual(Uint8Array.of(1, 2, 3));
  expect((await far.get("a/b", { start: 1, end: 2 }))?.bytes).toEqual(Uint8Array.of(2));
  expect((await far.head("a/b"))?.sizeBytes).toBe(3);
  expect(await far.list("a/")).toHaveLength(1);
  await far.delete("a/b");
  expect(await far.get("a/b")).toBeNull();
});
