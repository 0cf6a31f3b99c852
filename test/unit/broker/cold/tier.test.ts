import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { createTier } from "../../../../broker/cold/tier.ts";
import type { StoredManifest } from "../../../../broker/tiering/manifest-store.ts";
import { appendSegment, tieredEnd } from "../../../../broker/tiering/manifest.ts";
import { manifestKey, objectKey } from "../../../../broker/tiering/object-keys.ts";
import { batchOf, endAt, path, randomOf, segmentOf } from "../tiering/objects.ts";

// What a broker knows of a manifest that others put, or that it puts itself while it reads it.

/** A partition of the object store that grows by ten records, each of its offset's time, at once. */
async function world() {
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  const { cell, ...place } = path;
  /** Answers of the store that are on their way: each is let go by one call. */
  const held: (() => void)[] = [];
  let isHeld = false;
  const slow: typeof objects = {
    ...objects,
    async get(key, range) {
      const found = await objects.get(key, range);
      if (isHeld && key === manifestKey(path))
        await new Promise<void>((resolve) => held.push(resolve));
      return found;
    },
  };
  const ports = { cell, clock, random: randomOf(1) };
  const leader = createTier({ ...ports, objects });
  const reader = createTier({ ...ports, objects: slow });
  let stored: StoredManifest | null = null;
  async function put(next: Promise<{ readonly kind: string }>): Promise<StoredManifest> {
    const outcome = (await next) as { kind: string; stored?: StoredManifest };
    if (outcome.stored === undefined) throw new Error(outcome.kind);
    return outcome.stored;
  }
  stored = await put(leader.manifests.claim(path, { leaderEpoch: 1, logStartOffset: 0 }));
  async function grow(): Promise<StoredManifest> {
    const from = tieredEnd(stored!.manifest);
    const offsets = Array.from({ length: 10 }, (_, at) => from + at);
    const batches = offsets.map((baseOffset) => batchOf({ baseOffset, timestamp: baseOffset }));
    const { bytes, entry } = segmentOf(from, batches, endAt(from + 10));
    await objects.put(objectKey(path, entry.name), bytes);
    const next = appendSegment(stored!.manifest, entry, []);
    if (next.kind !== "changed") throw new Error(next.kind);
    stored = await put(leader.manifests.put(path, next.manifest, stored));
    return stored;
  }
  const endOf = async (options?: { isFresh: boolean }) =>
    tieredEnd((await reader.manifest(place, options))!);
  return {
    objects,
    reader,
    place,
    clock,
    grow,
    endOf,
    hold: () => void (isHeld = true),
    letGo: async () => {
      isHeld = false;
      for (const go of held.splice(0)) go();
      await clock.advance(0);
    },
  };
}

test("a manifest that was asked for before it changed is not what somebody gets who asks after that", async () => {
  const { hold, letGo, grow, endOf } = await world();
  await grow();
  hold();
  const before = endOf();
  // The store has answered, and the answer is on its way.
  await new Promise((resolve) => setImmediate(resolve));
  await grow();
  const after = endOf({ isFresh: true });
  await letGo();
  expect([await before, await after]).toEqual([10, 20]);
});

test("what comes late of a manifest does not take the place of a later one that was put here meanwhile", async () => {
  const { hold, letGo, grow, endOf, reader, place } = await world();
  await grow();
  hold();
  const late = endOf();
  await new Promise((resolve) => setImmediate(resolve));
  reader.note(place, await grow());
  await letGo();
  await late;
  expect(await endOf()).toBe(20);
});

test("a time is looked up in a manifest that reaches as far as the records that are there alone", async () => {
  const { grow, endOf, reader, place } = await world();
  await grow();
  expect(await endOf()).toBe(10);
  await grow();
  const bounds = { fromOffset: 0, upToOffset: 20 };
  expect(await reader.findOffsetByTimestamp(place, { timestamp: 12, ...bounds })).toMatchObject({
    offset: 12,
  });
  await grow();
  expect(await reader.maxTimestampOffset(place, { fromOffset: 0, upToOffset: 30 })).toMatchObject({
    offset: 29,
  });
});

test("readers that come at once are given no more memory together than those who come one by one", async () => {
  const { objects, clock, grow, place } = await world();
  await grow();
  const pieceBytes = 1_024;
  const lentBytes = 4 * pieceBytes;
  const config = { pieceBytes, lentBytes, cacheBytes: 16 * pieceBytes };
  const { cell } = path;
  const tier = createTier({ cell, objects, clock, random: randomOf(2), config });
  const range = { fromOffset: 0, upToOffset: 10, maxBytes: pieceBytes, atLeastOneBatch: true };
  const reads = Array.from({ length: 100 }, () => tier.read(place, range));
  await clock.advance(10_000);
  let givenBytes = 0;
  for (const read of await Promise.all(reads))
    if (read.kind === "data") givenBytes += read.records.byteLength;
  expect(givenBytes).toBeGreaterThan(pieceBytes);
  expect(givenBytes).toBeLessThan(lentBytes + pieceBytes);
});
