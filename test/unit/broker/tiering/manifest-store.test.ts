import { expect, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { createManifestPages } from "../../../../broker/tiering/manifest-pages.ts";
import {
  createManifestStore,
  type PutManifest,
  type StoredManifest,
} from "../../../../broker/tiering/manifest-store.ts";
import { appendSegment, claim, type Manifest } from "../../../../broker/tiering/manifest.ts";
import { maxInlineSegments } from "../../../../broker/tiering/manifest-paging.ts";
import { manifestProblems } from "../../../../broker/tiering/manifest-problems.ts";
import { manifestKey, objectKey, partitionPrefix } from "../../../../broker/tiering/object-keys.ts";
import { entryOf, path, randomOf } from "./objects.ts";

const world = () => {
  const objects = createMemoryObjectStore();
  const manifests = createManifestStore({ objects, random: randomOf(7) });
  return { objects, manifests, pages: createManifestPages({ objects }) };
};

const storedOf = (outcome: PutManifest): StoredManifest => {
  if (outcome.kind !== "stored") throw new Error(JSON.stringify(outcome));
  return outcome.stored;
};

const next = (manifest: Manifest, end: number): Manifest => {
  const base = manifest.segments.at(-1)?.endOffset ?? 0;
  const { leaderEpoch } = manifest;
  const changed = appendSegment(manifest, entryOf(base, end, { leaderEpoch }), []);
  if (changed.kind !== "changed") throw new Error(JSON.stringify(changed));
  return changed.manifest;
};

const by = (leaderEpoch: number) => ({ leaderEpoch, logStartOffset: 0 });

test("a leader claims the first manifest, puts the next one, and it is loaded as it was put", async () => {
  const { manifests } = world();
  expect(await manifests.load(path)).toEqual({ kind: "loaded", stored: null });
  const claimed = storedOf(await manifests.claim(path, by(1)));
  const put = storedOf(await manifests.put(path, next(claimed.manifest, 10), claimed));
  expect(await manifests.load(path)).toEqual({ kind: "loaded", stored: put });
  expect(put.manifest.segments).toHaveLength(1);
});

test("a paused predecessor's put is fenced, and so is its claim", async () => {
  const { manifests } = world();
  const old = storedOf(await manifests.claim(path, by(1)));
  storedOf(await manifests.claim(path, by(2)));
  const fenced = { kind: "fenced", leaderEpoch: 2 };
  expect(await manifests.put(path, next(old.manifest, 10), old)).toEqual(fenced);
  expect(await manifests.claim(path, by(1))).toEqual(fenced);
});

test("a put from an older view of one's own is a conflict, which shows what is there", async () => {
  const { manifests } = world();
  const first = storedOf(await manifests.claim(path, by(1)));
  const second = storedOf(await manifests.put(path, next(first.manifest, 10), first));
  const late = await manifests.put(path, next(first.manifest, 20), first);
  expect(late).toEqual({ kind: "conflict", current: second });
});

test("a put whose answer was lost is found to be stored", async () => {
  const { objects, manifests } = world();
  const first = storedOf(await manifests.claim(path, by(1)));
  objects.failNext("put", { takesEffect: true });
  const put = storedOf(await manifests.put(path, next(first.manifest, 10), first));
  expect(await manifests.load(path)).toEqual({ kind: "loaded", stored: put });
});

test("a put that did not arrive is unavailable, and may be tried again", async () => {
  const { objects, manifests } = world();
  const first = storedOf(await manifests.claim(path, by(1)));
  const manifest = next(first.manifest, 10);
  objects.failNext("put");
  expect((await manifests.put(path, manifest, first)).kind).toBe("unavailable");
  // Neither its answer nor what it did can be read: the retry finds its own bytes in the way.
  objects.failNext("put", { takesEffect: true });
  objects.failNext("get");
  expect((await manifests.put(path, manifest, first)).kind).toBe("unavailable");
  const put = storedOf(await manifests.put(path, manifest, first));
  expect(await manifests.load(path)).toEqual({ kind: "loaded", stored: put });
});

test("a put whose answer was lost, and that a successor's claim has replaced, is fenced", async () => {
  const { objects, manifests } = world();
  const first = storedOf(await manifests.claim(path, by(1)));
  const manifest = next(first.manifest, 10);
  objects.failNext("put", { takesEffect: true });
  objects.failNext("get");
  expect((await manifests.put(path, manifest, first)).kind).toBe("unavailable");
  const claimed = storedOf(await manifests.claim(path, by(2)));
  expect(claimed.manifest.segments).toEqual(manifest.segments);
  expect((await manifests.put(path, manifest, first)).kind).toBe("fenced");
});

test("a claim goes on past a predecessor's last put", async () => {
  const { objects, manifests } = world();
  const first = storedOf(await manifests.claim(path, by(1)));
  const other = createManifestStore({
    objects: {
      ...objects,
      async put(key, bytes, condition) {
        // The predecessor's put arrives between what the claim has read and what it puts.
        if ((await objects.head(key))?.etag === first.etag) {
          await manifests.put(path, next(first.manifest, 10), first);
        }
        return objects.put(key, bytes, condition);
      },
    },
    random: randomOf(8),
  });
  const claimed = storedOf(await other.claim(path, by(2)));
  expect(claimed.manifest).toMatchObject({ leaderEpoch: 2, segments: [{ endOffset: 10 }] });
});

test("a damaged manifest, and another partition's, are told", async () => {
  const { objects, manifests } = world();
  await objects.put(manifestKey(path), Buffer.from("not a manifest at all"));
  expect((await manifests.load(path)).kind).toBe("corrupt");
  expect((await manifests.claim(path, by(1))).kind).toBe("corrupt");
  const other = { ...path, index: 4 };
  storedOf(await manifests.claim(other, by(1)));
  const { bytes } = (await objects.get(manifestKey(other)))!;
  await objects.put(manifestKey(path), bytes);
  expect((await manifests.load(path)).kind).toBe("corrupt");
});

test("a long manifest is put in pages, found through them, and stays of bounded size", async () => {
  const { objects, manifests, pages } = world();
  let stored = storedOf(await manifests.claim(path, by(1)));
  const count = 3 * maxInlineSegments;
  let maxBytes = 0;
  for (let at = 1; at <= count; at += 1) {
    const manifest = next(stored.manifest, at * 10);
    // Now and then the answer to the page's put, or to the manifest's, is lost.
    if (at % 7 === 0) objects.failNext("put", { takesEffect: true });
    let outcome = await manifests.put(path, manifest, stored);
    if (outcome.kind === "unavailable") outcome = await manifests.put(path, manifest, stored);
    stored = storedOf(outcome);
    maxBytes = Math.max(maxBytes, (await objects.head(manifestKey(path)))!.sizeBytes);
  }
  const { manifest } = stored;
  expect(manifest.segments.length).toBeLessThanOrEqual(maxInlineSegments);
  expect(maxBytes).toBeLessThan((maxInlineSegments + 20) * 150);
  const lists = new Map();
  for (const page of manifest.pages) {
    const loaded = await pages.load(path, page);
    if (loaded.kind === "page") lists.set(page.name, loaded.entries);
  }
  expect(manifestProblems(manifest, [], lists)).toEqual([]);
  const listed = await objects.list(`${partitionPrefix(path)}manifest-pages/`);
  expect(listed).toHaveLength(manifest.pages.length);
  for (const offset of [0, 9, 10, 2555, count * 10 - 1]) {
    const baseOffset = Math.floor(offset / 10) * 10;
    const found = await pages.findSegment({ path, manifest }, offset);
    expect(found).toMatchObject({ kind: "found", entry: { baseOffset } });
  }
  expect(await pages.findSegment({ path, manifest }, count * 10)).toEqual({ kind: "none" });
  const byTime = await pages.findSegment({ path, manifest }, 0, (each) => each.maxTimestamp >= 99);
  expect(byTime).toMatchObject({ entry: { baseOffset: 90 } });
});

test("a page that is gone, damaged or another's is told", async () => {
  const { objects, manifests, pages } = world();
  const first = storedOf(await manifests.claim(path, by(1)));
  const segments = Array.from({ length: maxInlineSegments + 1 }, (_, at) => entryOf(at, at + 1));
  const { manifest } = storedOf(await manifests.put(path, { ...first.manifest, segments }, first));
  const key = objectKey(path, manifest.pages[0]!.name);
  objects.failNext("get");
  expect((await pages.findSegment({ path, manifest }, 0)).kind).toBe("unavailable");
  const { bytes } = (await objects.get(key))!;
  await objects.put(key, bytes.subarray(1));
  expect((await pages.findSegment({ path, manifest }, 0)).kind).toBe("corrupt");
  await objects.delete(key);
  expect((await pages.findSegment({ path, manifest }, 0)).kind).toBe("gone");
  expect((await pages.findSegment({ path, manifest }, 300)).kind).toBe("found");
});

test("the first manifest begins where the log does", () => {
  const claimed = claim(null, 1, { topicId: path.topicId, index: 0, logStartOffset: 9 });
  expect(claimed).toMatchObject({ manifest: { logStartOffset: 9, cleanedTo: 9, revision: 1 } });
});
