import { expect, test } from "vitest";
import { createEventQueue } from "./event-queue.ts";

test("events come in the order of their times, and of adding where those are equal", () => {
  const queue = createEventQueue();
  const ran: string[] = [];
  for (const [atMs, name] of [
    [5, "c"],
    [1, "a"],
    [5, "d"],
    [3, "b"],
    [5, "e"],
  ] as const) {
    queue.add(atMs, 0, () => ran.push(name));
  }
  for (let next = queue.take(5); next !== null; next = queue.take(5)) next.run();
  expect(ran.join("")).toBe("abcde");
});

test("thousands of events come out sorted, with half of them cancelled", () => {
  const queue = createEventQueue();
  const events = Array.from({ length: 4_000 }, (_, index) =>
    queue.add((index * 7_919) % 1_009, index, () => undefined),
  );
  for (const [index, event] of events.entries()) if (index % 2 === 0) queue.cancel(event);
  expect(queue.size).toBe(2_000);
  const taken: number[] = [];
  for (let next = queue.take(Infinity); next !== null; next = queue.take(Infinity)) {
    expect(next.kind % 2).toBe(1);
    taken.push(next.atMs);
  }
  expect(taken).toEqual(taken.toSorted((a, b) => a - b));
  expect(taken).toHaveLength(2_000);
});

test("cancelling what was taken, or cancelled, does nothing", () => {
  const queue = createEventQueue();
  const first = queue.add(1, 0, () => undefined);
  const second = queue.add(2, 0, () => undefined);
  queue.take(1);
  queue.cancel(first);
  expect(queue.size).toBe(1);
  queue.cancel(second);
  queue.cancel(second);
  expect(queue.size).toBe(0);
  expect(queue.nextMs()).toBe(Infinity);
});

test("nothing is taken before its time", () => {
  const queue = createEventQueue();
  queue.add(10, 0, () => undefined);
  expect(queue.take(9.999)).toBeNull();
  expect(queue.take(10)).not.toBeNull();
});
