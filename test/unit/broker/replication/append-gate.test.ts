import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogStore } from "../../../../broker/log/log-store.ts";
import { createAppendGate } from "../../../../broker/replication/append-gate.ts";

/** The part of a log store that gates look at, with room for `capacity` bytes that only `free` gives back. */
function createRing(capacity: number) {
  let used = 0;
  const waiting: { size: number; resolve: () => void }[] = [];
  const fits = (size: number) => used + size <= capacity;
  const store = {
    hasRoom: (size: number) => waiting.length === 0 && fits(size),
    room: (size: number) =>
      store.hasRoom(size)
        ? Promise.resolve()
        : new Promise<void>((resolve) => void waiting.push({ size, resolve })),
  };
  return {
    store: store as unknown as LogStore,
    take(size: number) {
      expect(fits(size)).toBe(true);
      used += size;
    },
    /** As a commit does: wakes those in front that fit, each once it is its turn. */
    async free() {
      used = 0;
      for (let next = waiting[0]; next !== undefined && fits(next.size); next = waiting[0]) {
        waiting.shift();
        next.resolve();
        await settle();
      }
    },
  };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test("while there is room, appends run at once and nobody waits", () => {
  const ring = createRing(100);
  const gate = createAppendGate(ring.store);
  const appended: number[] = [];
  const waiting = gate.run(
    3,
    () => 10,
    (index) => appended.push(index),
  );
  expect(waiting).toBeUndefined();
  expect(appended).toEqual([0, 1, 2]);
});

test("a request that finds no room waits with what is left of it", async () => {
  const ring = createRing(20);
  const gate = createAppendGate(ring.store);
  const appended: number[] = [];
  const waiting = gate.run(
    3,
    () => 10,
    (index) => {
      ring.take(10);
      appended.push(index);
    },
  );
  expect(appended).toEqual([0, 1]);
  await ring.free();
  await waiting;
  expect(appended).toEqual([0, 1, 2]);
});

test("who comes behind a waiting request waits too, though there were room for it", async () => {
  const ring = createRing(10);
  const gate = createAppendGate(ring.store);
  const order: string[] = [];
  const append = (name: string, size: number) =>
    gate.run(
      1,
      () => size,
      () => {
        ring.take(size);
        order.push(name);
      },
    );
  void append("first", 8);
  const large = append("large", 8);
  const small = append("small", 1);
  expect(order).toEqual(["first"]);
  await ring.free();
  await Promise.all([large, small]);
  expect(order).toEqual(["first", "large", "small"]);
});

test("a request whose append throws does not hold up the next", async () => {
  const ring = createRing(10);
  const gate = createAppendGate(ring.store);
  void gate.run(
    1,
    () => 10,
    () => ring.take(10),
  );
  const failing = gate.run(
    1,
    () => 10,
    () => {
      throw new Error("a bug");
    },
  );
  let isAppended = false;
  const next = gate.run(
    1,
    () => 10,
    () => {
      isAppended = true;
    },
  );
  const failed = expect(failing).rejects.toThrow("a bug");
  await ring.free();
  await failed;
  await next;
  expect(isAppended).toBe(true);
});

test("once nobody waits any more, appends run at once again", async () => {
  const ring = createRing(10);
  const gate = createAppendGate(ring.store);
  const run = () =>
    gate.run(
      1,
      () => 10,
      () => ring.take(10),
    );
  expect(run()).toBeUndefined();
  const waiting = run();
  await ring.free();
  await waiting;
  await ring.free();
  expect(run()).toBeUndefined();
});

test("whatever comes when, every batch is appended once, in the order it came", async () => {
  const requests = fc.array(fc.array(fc.integer({ min: 0, max: 10 }), { maxLength: 4 }), {
    maxLength: 20,
  });
  const pauses = fc.array(fc.constantFrom("free", "settle", "nothing"), { minLength: 20 });
  await fc.assert(
    fc.asyncProperty(requests, pauses, async (sizes, between) => {
      const ring = createRing(12);
      const gate = createAppendGate(ring.store);
      const appended: string[] = [];
      const running: Promise<void>[] = [];
      for (const [number, batches] of sizes.entries()) {
        const waiting = gate.run(
          batches.length,
          (index) => batches[index] ?? 0,
          (index) => {
            ring.take(batches[index] ?? 0);
            appended.push(`${number}.${index}`);
          },
        );
        if (waiting !== undefined) running.push(waiting);
        if (between[number] === "free") await ring.free();
        if (between[number] === "settle") await settle();
      }
      let isDone = false;
      const done = Promise.all(running).then(() => (isDone = true));
      for (let round = 0; !isDone && round < 100; round++) {
        await ring.free();
        await settle();
      }
      await done;
      expect(appended).toEqual(
        sizes.flatMap((batches, number) => batches.map((_, index) => `${number}.${index}`)),
      );
    }),
    { numRuns: 100 },
  );
});
