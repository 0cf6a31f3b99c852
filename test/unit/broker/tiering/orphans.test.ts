import { expect, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { deleteTopicObjects } from "../../../../broker/tiering/delete-objects.ts";
import { createManifestPages } from "../../../../broker/tiering/manifest-pages.ts";
import {
  createManifestStore,
  type StoredManifest,
} from "../../../../broker/tiering/manifest-store.ts";
import {
  appendSegment,
  moveLogStart,
  type SegmentEntry,
  type Transition,
} from "../../../../broker/tiering/manifest.ts";
import { maxInlineSegments } from "../../../../broker/tiering/manifest-paging.ts";
import { objectKey, partitionPrefix, topicPrefix } from "../../../../broker/tiering/object-keys.ts";
import { collectOrphans, type Collected } from "../../../../broker/tiering/orphans.ts";
import { entryOf, path, randomOf } from "./objects.ts";

const graceMs = 600_000;
const none: ReadonlySet<string> = new Set();

const world = async () => {
  const objects = createMemoryObjectStore();
  const manifests = createManifestStore({ objects, random: randomOf(5) });
  const pages = createManifestPages({ objects });
  const options = { objects, manifests, pages };
  const claimed = await manifests.claim(path, { leaderEpoch: 1, logStartOffset: 0 });
  if (claimed.kind !== "stored") throw new Error(claimed.kind);
  let { stored } = claimed;
  const change = async (transition: (of: StoredManifest["manifest"]) => Transition) => {
    const changed = transition(stored.manifest);
    if (changed.kind !== "changed") throw new Error(JSON.stringify(changed));
    const put = await manifests.put(path, changed.manifest, stored);
    if (put.kind !== "stored") throw new Error(put.kind);
    stored = put.stored;
  };
  const upload = async (entry: SegmentEntry) => {
    await objects.put(objectKey(path, entry.name), new Uint8Array(4), { ifAbsent: true });
    return entry;
  };
  const collect = async (nowMs: number, coming = none): Promise<Collected> => {
    let startAfter: string | null = null;
    for (;;) {
      const outcome: Collected = await collectOrphans(
        { ...options, maxListed: 100 },
        { path, stored, nowMs, startAfter, coming },
      );
      if (outcome.kind !== "collected") return outcome;
      stored = outcome.stored;
      startAfter = outcome.startAfter;
      if (startAfter === null) return outcome;
    }
  };
  const names = async () =>
    (await objects.list(partitionPrefix(path))).map(({ key }) =>
      key.slice(partitionPrefix(path).length),
    );
  return { ...options, options, change, upload, collect, names, current: () => stored };
};

test("an orphan is noted, deleted a grace later, and forgotten; what is listed stays", async () => {
  const { change, upload, collect, names, current } = await world();
  const listed = await upload(entryOf(0, 10));
  await change((manifest) => appendSegment(manifest, listed, []));
  const orphan = await upload(entryOf(10, 20));
  await collect(1000);
  expect(current().manifest.leaving).toEqual([{ name: orphan.name, sinceMs: 1000 }]);
  await collect(1000 + graceMs - 1);
  expect(await names()).toContain(orphan.name);
  await collect(1000 + graceMs);
  expect(await names()).toEqual([listed.name, "manifest"]);
  expect(current().manifest.leaving).toEqual([]);
  const { revision } = current().manifest;
  await collect(1000 + 2 * graceMs);
  expect(current().manifest.revision).toBe(revision);
});

test("a round that deletes and finds is one change of the manifest", async () => {
  const { upload, collect, current } = await world();
  await upload(entryOf(0, 10));
  await collect(1000);
  const found = await upload(entryOf(10, 20));
  const { revision } = current().manifest;
  await collect(1000 + graceMs);
  expect(current().manifest.leaving).toEqual([{ name: found.name, sinceMs: 1000 + graceMs }]);
  expect(current().manifest.revision).toBe(revision + 1);
});

test("a put that would list an orphan fails once that is noted", async () => {
  const { upload, collect, manifests, current, objects } = await world();
  const orphan = await upload(entryOf(0, 10));
  const before = current();
  await collect(1000);
  const listing = appendSegment(before.manifest, orphan, []);
  if (listing.kind !== "changed") throw new Error(listing.kind);
  expect((await manifests.put(path, listing.manifest, before)).kind).toBe("conflict");
  expect(appendSegment(current().manifest, orphan, []).kind).toBe("rejected");
  expect(await objects.head(objectKey(path, orphan.name))).not.toBeNull();
});

test("what a leader is about to list, and what a later one has put, is no orphan", async () => {
  const { upload, collect, current } = await world();
  const coming = await upload(entryOf(0, 10));
  await upload(entryOf(0, 10, { leaderEpoch: 2 }));
  await collect(1000, new Set([coming.name]));
  expect(current().manifest.leaving).toEqual([]);
});

test("a collector whose leadership is over is fenced and deletes nothing that it found", async () => {
  const { upload, collect, manifests, names } = await world();
  const orphan = await upload(entryOf(0, 10));
  await manifests.claim(path, { leaderEpoch: 2, logStartOffset: 0 });
  expect(await collect(1000)).toEqual({ kind: "fenced", leaderEpoch: 2 });
  expect(await names()).toContain(orphan.name);
});

test("segments of a page that left are collected; those of a page that is listed are not", async () => {
  const { change, collect, names, current, objects } = await world();
  const entries = Array.from({ length: 2 * maxInlineSegments }, (_, at) => entryOf(at, at + 1));
  for (const { name } of entries) await objects.put(objectKey(path, name), new Uint8Array(4));
  await change((manifest) => ({ kind: "changed", manifest: { ...manifest, segments: entries } }));
  const paged = current().manifest.pages;
  expect(paged).toHaveLength(2);
  await collect(0);
  expect(current().manifest.leaving).toEqual([]);
  await change((manifest) => moveLogStart(manifest, paged[0]!.endOffset, 0));
  for (let round = 1; round < 12; round += 1) await collect(round * graceMs);
  const left = entries.slice(paged[0]!.segmentCount).map(({ name }) => name);
  expect(await names()).toEqual([...left, "manifest", paged[1]!.name]);
  expect(current().manifest.leaving).toEqual([]);
});

test("one round is bounded, and goes on where it stopped", async () => {
  const { options, upload, current } = await world();
  for (let at = 0; at < 5; at += 1) await upload(entryOf(at, at + 1));
  const round = { path, nowMs: 0, coming: none };
  const first = await collectOrphans(
    { ...options, maxListed: 3 },
    { ...round, stored: current(), startAfter: null },
  );
  if (first.kind !== "collected") throw new Error(first.kind);
  expect(first).toMatchObject({ notedCount: 3, deletedCount: 0 });
  const second = await collectOrphans(
    { ...options, maxListed: 3, maxDeleted: 2, graceMs: 0 },
    { ...round, stored: first.stored, startAfter: first.startAfter },
  );
  expect(second).toMatchObject({ notedCount: 2, deletedCount: 2 });
  expect(second.kind === "collected" && second.stored.manifest.leaving).toHaveLength(3);
});

test("a store that fails leaves what was not deleted to the next round", async () => {
  const { objects, upload, collect, names } = await world();
  const orphan = await upload(entryOf(0, 10));
  objects.failNext("list");
  expect((await collect(0)).kind).toBe("unavailable");
  await collect(0);
  objects.failNext("delete");
  expect((await collect(graceMs)).kind).toBe("unavailable");
  expect(await names()).toContain(orphan.name);
  expect(await collect(graceMs)).toMatchObject({ kind: "collected", deletedCount: 1 });
});

test("a dropped topic's objects go in bounded rounds, and another's stay", async () => {
  const { objects, upload } = await world();
  for (let at = 0; at < 20; at += 1) await upload(entryOf(at, at + 1));
  const other = objectKey({ ...path, topicId: "BBBBBBBBBBBBBBBBBBBBBB" }, "manifest");
  await objects.put(other, new Uint8Array(1));
  const counts: number[] = [];
  for (;;) {
    if (counts.length === 1) objects.failNext("delete");
    const round = await deleteTopicObjects(objects, path, 8);
    if (round.kind === "deleted") counts.push(round.count);
    else counts.push(-1);
    if (round.kind === "deleted" && round.isDone) break;
  }
  expect(counts).toEqual([8, -1, 6]);
  expect(await objects.list(topicPrefix(path.cell, path.topicId))).toEqual([]);
  expect(await objects.head(other)).not.toBeNull();
});
