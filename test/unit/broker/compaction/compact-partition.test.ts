import { expect, onTestFinished, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { startCompactionThread } from "../../../../adapters/node/compaction-thread.ts";
import type {
  CleaningAnswer,
  CleaningRequest,
} from "../../../../broker/compaction/cleaning-desk.ts";
import {
  compactPartition,
  type CompactedPartition,
  type CompactionTools,
  type PartitionCompaction,
} from "../../../../broker/compaction/compact-partition.ts";
import {
  CleanerLostError,
  createCleaner,
  createInlinePlace,
} from "../../../../broker/compaction/remote-cleaner.ts";
import type { ChangeManifest } from "../../../../broker/compaction/swap-segments.ts";
import { createGetSlots } from "../../../../broker/tiering/get-slots.ts";
import { createManifestPages } from "../../../../broker/tiering/manifest-pages.ts";
import {
  createManifestStore,
  type ManifestStore,
  type StoredManifest,
} from "../../../../broker/tiering/manifest-store.ts";
import {
  appendSegment,
  moveLogStart,
  tieredEnd,
  type Manifest,
  type SegmentEntry,
} from "../../../../broker/tiering/manifest.ts";
import { objectKey } from "../../../../broker/tiering/object-keys.ts";
import type { SegmentEnd } from "../../../../broker/tiering/segment-builder.ts";
import { createSegmentFooters } from "../../../../broker/tiering/segment-footers.ts";
import { ObjectStoreError, type ObjectStore } from "../../../../ports/object-store.ts";
import { isControlAt, nextOffsetAt } from "../../../../protocol/records/batch.ts";
import { endAt, path, randomOf, segmentOf } from "../tiering/objects.ts";
import { baseOffsetsOf, batch, marker, record, recordsOf, split } from "./cleaning-fixture.ts";

/** Fails, if so told, one call of the store, done or not. */
type Fault = { at: number; takesEffect: boolean };

function faulty(objects: ObjectStore, fault: Fault): ObjectStore {
  let calls = 0;
  async function call<T>(run: () => Promise<T>): Promise<T> {
    calls += 1;
    if (calls !== fault.at) return run();
    if (fault.takesEffect) await run();
    throw new ObjectStoreError("unavailable", "told to fail");
  }
  return {
    put: (key, bytes, condition) => call(() => objects.put(key, bytes, condition)),
    get: (key, range) => call(() => objects.get(key, range)),
    head: (key) => objects.head(key),
    list: (prefix, options) => objects.list(prefix, options),
    delete: (key) => objects.delete(key),
  };
}

class Tier {
  /** As the leader knows it. */
  logStart = 0;
  readonly objects = createMemoryObjectStore();
  readonly random = randomOf(5);
  readonly manifests = createManifestStore({ objects: this.objects, random: this.random });
  readonly pages = createManifestPages({ objects: this.objects });

  async load(): Promise<StoredManifest> {
    const loaded = await this.manifests.load(path);
    if (loaded.kind !== "loaded" || loaded.stored === null) throw new Error(loaded.kind);
    return loaded.stored;
  }

  /** One segment for each list of batches, and what its footer says besides. */
  async append(
    segments: readonly { batches: Uint8Array[]; end?: Partial<SegmentEnd> }[],
  ): Promise<void> {
    const claimed = await this.manifests.claim(path, { leaderEpoch: 1, logStartOffset: 0 });
    if (claimed.kind !== "stored") throw new Error(claimed.kind);
    let { manifest } = claimed.stored;
    for (const { batches, end } of segments) {
      const endOffset = nextOffsetAt(batches.at(-1)!, 0);
      const { bytes, entry } = segmentOf(tieredEnd(manifest), batches, endAt(endOffset, end));
      await this.objects.put(objectKey(path, entry.name), bytes);
      const next = appendSegment(manifest, entry, []);
      if (next.kind !== "changed") throw new Error(next.kind);
      ({ manifest } = next);
    }
    const put = await this.manifests.put(path, manifest, claimed.stored);
    if (put.kind !== "stored") throw new Error(put.kind);
  }

  /** As a leader's writer does it (tier-writer.ts). */
  change(manifests: ManifestStore): ChangeManifest {
    return async (next) => {
      const stored = await this.load();
      const transition = await next(stored.manifest);
      if (transition.kind === "fenced") return { kind: "fenced" };
      if (transition.kind !== "changed") return { kind: "failed", reason: transition.kind };
      const put = await manifests.put(path, transition.manifest, stored);
      return put.kind === "stored" ? { kind: "done" } : { kind: "failed", reason: put.kind };
    };
  }

  tools(changes: Partial<CompactionTools> = {}): CompactionTools {
    const objects = changes.objects ?? this.objects;
    const { random } = this;
    const slots = createGetSlots({ maxGets: 4, maxQueued: 100 });
    return {
      objects,
      random,
      change: this.change(createManifestStore({ objects, random })),
      pages: createManifestPages({ objects }),
      footers: createSegmentFooters({ objects, slots }),
      cleaner: createCleaner(createInlinePlace),
      coming: new Set(),
      logStart: () => this.logStart,
      // Smaller than most batches, so that pieces of all kinds are met.
      pieceBytes: 100,
      ...changes,
    };
  }

  /** Retention, or DeleteRecords. */
  async begin(offset: number, { isGraceOver }: { isGraceOver: boolean }): Promise<void> {
    const stored = await this.load();
    const moved = moveLogStart(stored.manifest, offset, 10_000);
    if (moved.kind !== "changed") throw new Error(moved.kind);
    const put = await this.manifests.put(path, moved.manifest, stored);
    if (put.kind !== "stored") throw new Error(put.kind);
    this.logStart = offset;
    if (!isGraceOver) return;
    for (const { name } of moved.manifest.leaving) await this.objects.delete(objectKey(path, name));
  }

  async compact(
    changes: Partial<PartitionCompaction> = {},
    tools: Partial<CompactionTools> = {},
  ): Promise<CompactedPartition> {
    return compactPartition(this.tools(tools), {
      path,
      manifest: (await this.load()).manifest,
      producers: [],
      deleteRetentionMs: 100,
      minCompactionLagMs: 0,
      nowMs: 10_000,
      ...changes,
    });
  }

  async segments(): Promise<SegmentEntry[]> {
    const { manifest } = await this.load();
    const entries: SegmentEntry[] = [];
    for (const page of manifest.pages) {
      const loaded = await this.pages.load(path, page);
      if (loaded.kind !== "page") throw new Error(loaded.kind);
      entries.push(...loaded.entries);
    }
    return [...entries, ...manifest.segments];
  }

  /** Every batch, as a reader of the manifest finds it; each footer is what the manifest says. */
  async batches(): Promise<Uint8Array[]> {
    const { footers } = this.tools();
    const found: Uint8Array[] = [];
    for (const entry of await this.segments()) {
      expect((await footers.load(path, entry)).kind).toBe("footer");
      const object = await this.objects.get(objectKey(path, entry.name));
      found.push(...split(object!.bytes.subarray(0, entry.dataBytes)));
    }
    return found;
  }

  async records(): Promise<string[]> {
    return recordsOf((await this.batches()).filter((bytes) => !isControlAt(bytes, 0)));
  }
}

const simple = [
  { batches: [batch(0, [record("a", "1"), record("b", "1")]), batch(2, [record("a", "2")])] },
  { batches: [batch(3, [record("c", "1")]), batch(4, [record("b", null)])] },
  { batches: [batch(5, [record("c", "2"), record("d", "1")])] },
];

test("a tier is cleaned, its small segments become one, and what they were leaves", async () => {
  const tier = new Tier();
  await tier.append(simple);
  const before = await tier.segments();
  const compacted = await tier.compact();
  expect(compacted).toMatchObject({
    kind: "compacted",
    replacedCount: 3,
    summary: { recordsRead: 7, recordsKept: 4, cleanedTo: 7 },
  });
  expect(await tier.records()).toEqual(["2 a=2", "4 b", "5 c=2", "6 d=1"]);
  const { manifest } = await tier.load();
  expect(manifest.segments).toMatchObject([{ baseOffset: 0, endOffset: 7, generation: 1 }]);
  expect(manifest.cleanedTo).toBe(7);
  expect(manifest.leaving.map(({ name }) => name)).toEqual(before.map(({ name }) => name));
});

test("the same comes of it on a thread", async () => {
  const tier = new Tier();
  await tier.append(simple);
  const cleaner = createCleaner(() => startCompactionThread<CleaningRequest, CleaningAnswer>());
  onTestFinished(() => cleaner.close());
  expect(await tier.compact({}, { cleaner })).toMatchObject({
    kind: "compacted",
    replacedCount: 3,
    summary: { recordsRead: 7, recordsKept: 4, cleanedTo: 7 },
  });
  expect(await tier.compact({}, { cleaner })).toMatchObject({ replacedCount: 0 });
  expect(await tier.records()).toEqual(["2 a=2", "4 b", "5 c=2", "6 d=1"]);
});

test("a thread that is lost in the middle leaves the log whole, and may be tried again", async () => {
  const tier = new Tier();
  await tier.append(simple);
  let calls = 0;
  const cleaner = createCleaner(() => {
    const place = createInlinePlace();
    const call: typeof place.call = (request) => {
      calls += 1;
      // After all is mapped and the first segments are swapped.
      return calls === 12 ? Promise.reject(new Error("struck")) : place.call(request);
    };
    return { ...place, call };
  });
  const tools = { cleaner, targetSegmentBytes: 1 };
  await expect(tier.compact({}, tools)).rejects.toThrow(CleanerLostError);
  const { manifest } = await tier.load();
  expect(manifest.cleanedTo).toBe(0);
  expect(manifest.leaving.length).toBeGreaterThan(0);
  expect(await tier.compact({}, tools)).toMatchObject({ kind: "compacted" });
  expect(await tier.records()).toEqual(["2 a=2", "4 b", "5 c=2", "6 d=1"]);
});

test("a clean tier is left as it is, until a tombstone may go", async () => {
  const tier = new Tier();
  await tier.append(simple);
  await tier.compact();
  const cleaned = await tier.load();
  expect(await tier.compact()).toMatchObject({ kind: "compacted", replacedCount: 0 });
  expect(await tier.load()).toEqual(cleaned);
  await tier.compact({ nowMs: 10_100 });
  expect(await tier.records()).toEqual(["2 a=2", "5 c=2", "6 d=1"]);
});

test("segments are merged up to a size, and not beyond", async () => {
  const tier = new Tier();
  await tier.append(simple);
  const [first] = await tier.segments();
  await tier.compact({}, { targetSegmentBytes: first!.dataBytes });
  expect((await tier.segments()).length).toBeGreaterThan(1);
  expect(await tier.records()).toEqual(["2 a=2", "4 b", "5 c=2", "6 d=1"]);
});

test("a map that is too small cleans as far as it goes, and goes on with the next run", async () => {
  const tier = new Tier();
  await tier.append(simple);
  const cleanedTo: number[] = [];
  for (let round = 0; round < 3; round++) {
    await tier.compact({}, { maxMapBytes: 3 * 24 });
    cleanedTo.push((await tier.load()).manifest.cleanedTo);
  }
  expect(cleanedTo).toEqual([3, 5, 7]);
  expect(await tier.records()).toEqual(["2 a=2", "4 b", "5 c=2", "6 d=1"]);
});

test("aborted records go, their index stays with the marker, and an open transaction is not touched", async () => {
  const aborter = { producerId: 8, producerEpoch: 0, isTransactional: true, baseSequence: 0 };
  const open = { ...aborter, producerId: 9 };
  const tier = new Tier();
  await tier.append([
    { batches: [batch(0, [record("a", "1")]), batch(1, [record("a", "aborted")], aborter)] },
    {
      batches: [
        marker(2, "abort", { producerId: 8 }),
        batch(3, [record("b", "1")]),
        batch(4, [record("a", "open")], open),
        batch(5, [record("b", "2")]),
      ],
      end: {
        abortedTransactions: [
          { producerId: 8, firstOffset: 1, lastOffset: 2, lastStableOffset: 3 },
        ],
        openTransactions: [{ producerId: 9, firstOffset: 4 }],
      },
    },
  ]);
  await tier.compact();
  expect(await tier.records()).toEqual(["0 a=1", "3 b=1", "4 a=open", "5 b=2"]);
  expect(baseOffsetsOf(await tier.batches())).toContain(2);
  const { manifest } = await tier.load();
  expect(manifest.cleanedTo).toBe(4);
  const [entry] = manifest.segments;
  expect(entry!.hasAborted).toBe(true);
  const loaded = await tier.tools().footers.load(path, entry!);
  expect(loaded).toMatchObject({
    footer: {
      abortedTransactions: [{ producerId: 8, lastOffset: 2, lastStableOffset: 3 }],
      openTransactions: [{ producerId: 9, firstOffset: 4 }],
    },
  });
});

test("whichever call of the store fails, the log is whole, and the next run brings it where it was to be", async () => {
  const reference = new Tier();
  await reference.append(simple);
  await reference.compact({}, { targetSegmentBytes: 250 });
  const expected = await reference.records();
  const latest = (records: readonly string[]) =>
    new Map(records.map((each) => [each.split(" ")[1]!.split("=")[0]!, each]));
  let failed = 0;
  for (const takesEffect of [false, true]) {
    for (let at = 1; ; at++) {
      const tier = new Tier();
      await tier.append(simple);
      const tools = { targetSegmentBytes: 250, objects: faulty(tier.objects, { at, takesEffect }) };
      const outcome = await tier.compact({}, tools);
      expect(latest(await tier.records())).toEqual(latest(expected));
      if (outcome.kind === "compacted" && at > 60) break;
      if (outcome.kind !== "compacted") {
        expect(["unavailable", "failed"]).toContain(outcome.kind);
        failed += 1;
      }
      expect(await tier.compact({}, { targetSegmentBytes: 250 })).toMatchObject({
        kind: "compacted",
      });
      expect(await tier.records()).toEqual(expected);
      expect((await tier.load()).manifest.cleanedTo).toBe(7);
    }
  }
  expect(failed).toBeGreaterThan(20);
});

test("a run that is stopped leaves the log whole", async () => {
  const tier = new Tier();
  await tier.append(simple);
  const stop = new AbortController();
  stop.abort();
  expect(await tier.compact({ signal: stop.signal })).toEqual({ kind: "stopped" });
  expect(await tier.records()).toHaveLength(7);
});

/** Does something else just before the first change of the manifest. */
const interrupted = (tier: Tier, before: () => Promise<void>): Partial<CompactionTools> => {
  let isDone = false;
  const change = tier.change(tier.manifests);
  return {
    async change(next) {
      if (!isDone) {
        isDone = true;
        await before();
      }
      return change(next);
    },
  };
};

test("a segment that the leader adds meanwhile stays", async () => {
  const tier = new Tier();
  await tier.append(simple);
  const more = [{ batches: [batch(7, [record("a", "3")])] }];
  const outcome = await tier.compact(
    {},
    interrupted(tier, () => tier.append(more)),
  );
  expect(outcome).toMatchObject({ kind: "compacted", replacedCount: 3 });
  expect(await tier.records()).toEqual(["2 a=2", "4 b", "5 c=2", "6 d=1", "7 a=3"]);
  expect((await tier.load()).manifest.cleanedTo).toBe(7);
});

test("who is no longer the leader changes nothing", async () => {
  const tier = new Tier();
  await tier.append(simple);
  const takeOver = async (): Promise<void> => {
    await tier.manifests.claim(path, { leaderEpoch: 2, logStartOffset: 0 });
  };
  expect(await tier.compact({}, interrupted(tier, takeOver))).toEqual({ kind: "fenced" });
  expect(await tier.records()).toHaveLength(7);
});

test("segments in pages are cleaned in their pages", async () => {
  const tier = new Tier();
  const count = 600;
  await tier.append(
    Array.from({ length: count }, (_, at) => ({
      batches: [batch(at, [record(`${at % 7}`, "1")])],
    })),
  );
  const paged: Manifest = (await tier.load()).manifest;
  expect(paged.pages).toHaveLength(1);
  const outcome = await tier.compact();
  expect(outcome).toMatchObject({ kind: "compacted", replacedCount: count });
  expect((await tier.records()).map((each) => Number(each.split(" ")[0]))).toEqual(
    Array.from({ length: 7 }, (_, at) => count - 7 + at),
  );
  const { manifest } = await tier.load();
  expect(manifest.pages).toMatchObject([{ baseOffset: 0, segmentCount: 1 }]);
  expect(manifest.segments).toHaveLength(1);
});

test("damage in the store stops the run, with nothing changed", async () => {
  const tier = new Tier();
  await tier.append(simple);
  const [entry] = await tier.segments();
  const key = objectKey(path, entry!.name);
  const object = await tier.objects.get(key);
  object!.bytes[70]! ^= 1;
  await tier.objects.put(key, object!.bytes);
  const before = await tier.load();
  expect(await tier.compact()).toMatchObject({ kind: "corruptState", offset: 0 });
  expect(await tier.load()).toEqual(before);
});

// As with `compact,delete`, where a run may take longer than there is between two moves of the log start.
test.each([
  ["the oldest", 3, ["4 b", "5 c=2", "6 d=1"]],
  ["all but the newest", 5, ["5 c=2", "6 d=1"]],
  ["every one", 7, []],
])(
  "a run that the log start overtakes cleans the rest of the tier: %s of its segments leave, whenever that is",
  async (_which, start, left) => {
    for (let at = 1, isOver = false; !isOver; at += 1) {
      const tier = new Tier();
      await tier.append(simple);
      let calls = 0;
      const whenMoved = async <T>(run: () => Promise<T>): Promise<T> => {
        calls += 1;
        // A plan, of which these are, takes no such time.
        if (calls === at) await tier.begin(start, { isGraceOver: calls > simple.length });
        return run();
      };
      const { objects } = tier;
      const overtaken: ObjectStore = {
        ...objects,
        put: (key, bytes, condition) => whenMoved(() => objects.put(key, bytes, condition)),
        get: (key, range) => whenMoved(() => objects.get(key, range)),
      };
      const manifests = tier.change(tier.manifests);
      const compacted = await tier.compact({}, { objects: overtaken, change: manifests });
      isOver = calls < at;
      if (isOver) break;
      expect([at, compacted.kind]).toEqual([at, "compacted"]);
      expect([at, (await tier.load()).manifest.cleanedTo]).toEqual([at, 7]);
      expect([at, await tier.records()]).toEqual([at, left]);
    }
  },
);
