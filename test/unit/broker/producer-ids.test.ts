import { expect, test } from "vitest";
import { createProducerIds } from "../../../broker/producer-ids.ts";

test("ids are those of the block, one after the other, then of the next block", async () => {
  let first = 0;
  const ids = createProducerIds(async () => {
    first += 100;
    return { first, count: 2 };
  });
  const taken = [];
  for (let count = 0; count < 5; count++) taken.push(await ids.next());
  expect(taken).toEqual([100, 101, 200, 201, 300]);
});

test("who asks at the same time shares one block, and no id", async () => {
  let blocks = 0;
  const ids = createProducerIds(async () => ({ first: blocks++ * 1_000, count: 1_000 }));
  const taken = await Promise.all(Array.from({ length: 500 }, () => ids.next()));
  expect(new Set(taken).size).toBe(500);
  expect(blocks).toBe(1);
});

test("more than a block at once takes more blocks", async () => {
  let blocks = 0;
  const ids = createProducerIds(async () => ({ first: blocks++ * 10, count: 10 }));
  const taken = await Promise.all(Array.from({ length: 25 }, () => ids.next()));
  const given = taken.filter((id) => id !== null);
  expect(given.length).toBe(25);
  expect(new Set(given).size).toBe(25);
});

test("a hundred blocks' worth of callers are all served", async () => {
  let blocks = 0;
  const ids = createProducerIds(async () => ({ first: blocks++ * 10, count: 10 }));
  const taken = await Promise.all(Array.from({ length: 1_000 }, () => ids.next()));
  expect(taken).not.toContain(null);
});

test("without a block there is no id, and the next caller asks anew", async () => {
  let isAway = true;
  const ids = createProducerIds(async () => (isAway ? null : { first: 7, count: 1 }));
  expect(await ids.next()).toBeNull();
  isAway = false;
  expect(await ids.next()).toBe(7);
});
