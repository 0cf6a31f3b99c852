import fc from "fast-check";
import { expect, test } from "vitest";
import { createDeadlineHeap } from "../../../../broker/coordinator/deadline-heap.ts";

test("keys come out in the order of their earliest deadlines", () => {
  const deadlines = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1_000 })),
  );
  fc.assert(
    fc.property(deadlines, (pairs) => {
      const heap = createDeadlineHeap<number>();
      const earliest = new Map<number, number>();
      for (const [key, atMs] of pairs) {
        heap.wakeBy(key, atMs);
        earliest.set(key, Math.min(earliest.get(key) ?? Infinity, atMs));
      }
      const taken: number[] = [];
      for (let key = heap.takeDue(1_000); key !== null; key = heap.takeDue(1_000)) taken.push(key);
      expect(taken.map((key) => earliest.get(key))).toEqual(
        [...earliest.values()].sort((left, right) => left - right),
      );
      expect(heap.nextMs()).toBeNull();
    }),
  );
});

test("a key is not due before its time, and can be set again once taken", () => {
  const heap = createDeadlineHeap<string>();
  heap.wakeBy("a", 100);
  expect(heap.takeDue(99)).toBeNull();
  heap.wakeBy("a", 500);
  expect(heap.nextMs()).toBe(100);
  expect(heap.takeDue(100)).toBe("a");
  heap.wakeBy("a", 500);
  expect(heap.nextMs()).toBe(500);
});
