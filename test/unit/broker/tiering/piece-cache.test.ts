import { expect, test } from "vitest";
import {
  createMemoryObjectStore,
  type MemoryObjectStore,
} from "../../../../adapters/memory/object-store.ts";
import {
  createPieceCache,
  type PieceCacheOptions,
} from "../../../../broker/tiering/piece-cache.ts";

const object = { key: "one", sizeBytes: 95 };

/** A store whose answers are held back until `answer`. */
const world = async (options: Partial<PieceCacheOptions> = {}) => {
  const waiting: (() => void)[] = [];
  let isHeld = false;
  const objects: MemoryObjectStore = createMemoryObjectStore({
    schedule: (run) => (isHeld ? void waiting.push(run) : queueMicrotask(run)),
  });
  await objects.put(
    "one",
    Uint8Array.from({ length: 95 }, (_, at) => at),
  );
  const cache = createPieceCache({ objects, pieceBytes: 10, maxBytes: 30, ...options });
  return {
    objects,
    cache,
    hold: () => void (isHeld = true),
    waiting,
    answer: async () => {
      isHeld = false;
      for (const run of waiting.splice(0)) run();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
};

test("a piece is its part of the object, the last one shorter", async () => {
  const { cache } = await world();
  expect(await cache.piece(object, 2)).toEqual({
    kind: "piece",
    bytes: Uint8Array.from({ length: 10 }, (_, at) => 20 + at),
  });
  expect(await cache.piece(object, 9)).toMatchObject({ bytes: Uint8Array.of(90, 91, 92, 93, 94) });
});

test("those who want one piece at the same time share one request, and later ones none", async () => {
  const { cache, hold, answer } = await world();
  hold();
  const both = Promise.all([cache.piece(object, 1), cache.piece(object, 1)]);
  await answer();
  expect((await both).map(({ kind }) => kind)).toEqual(["piece", "piece"]);
  await cache.piece(object, 1);
  expect(cache.getCount).toBe(1);
});

test("what is kept and what is coming never pass the bound, and the least recently used goes first", async () => {
  const { cache, hold, answer } = await world();
  for (const number of [0, 1, 2]) await cache.piece(object, number);
  await cache.piece(object, 0);
  hold();
  const coming = cache.piece(object, 3);
  await Promise.resolve();
  expect(cache.heldBytes).toBe(30);
  await answer();
  await coming;
  expect(cache.heldBytes).toBe(30);
  expect(cache.getCount).toBe(4);
  await cache.piece(object, 0);
  expect(cache.getCount).toBe(4);
  await cache.piece(object, 1);
  expect(cache.getCount).toBe(5);
});

test("as many requests as there is room for run at once, others wait, and too many are refused", async () => {
  const { cache, hold, answer, waiting } = await world({ maxQueued: 2 });
  hold();
  const asked = [0, 1, 2, 3, 4, 5].map((number) => cache.piece(object, number));
  expect(await asked[5]).toEqual({ kind: "busy" });
  expect(waiting).toHaveLength(3);
  expect(cache.heldBytes).toBeLessThanOrEqual(30);
  await answer();
  const kinds = (await Promise.all(asked)).map(({ kind }) => kind);
  expect(kinds).toEqual(["piece", "piece", "piece", "piece", "piece", "busy"]);
  expect(cache.heldBytes).toBe(30);
  expect(cache.slots.runningCount).toBe(0);
});

test("a piece is read ahead where a request is free, and never waited for in line", async () => {
  const { cache, hold, answer, waiting } = await world({ maxGets: 1 });
  cache.prefetch(object, 10);
  expect(cache.getCount).toBe(0);
  hold();
  cache.prefetch(object, 0);
  cache.prefetch(object, 1);
  expect(waiting).toHaveLength(1);
  await answer();
  expect(await cache.piece(object, 0)).toMatchObject({ kind: "piece" });
  expect(cache.getCount).toBe(1);
});

test("an object that is gone, of another size or out of reach is told, and asked for again", async () => {
  const { cache, objects } = await world();
  expect(await cache.piece({ key: "two", sizeBytes: 5 }, 0)).toEqual({ kind: "gone" });
  expect(await cache.piece({ key: "one", sizeBytes: 96 }, 0)).toMatchObject({ kind: "corrupt" });
  objects.failNext("get");
  expect(await cache.piece(object, 0)).toMatchObject({ kind: "unavailable" });
  expect(await cache.piece(object, 0)).toMatchObject({ kind: "piece" });
  expect(cache.heldBytes).toBe(10);
});
