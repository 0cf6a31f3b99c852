import { expect, test } from "vitest";
import { createSlabs, type Place } from "../../../../broker/log/slabs.ts";

const takeUntilNone = (take: () => Place | null): Place[] => {
  const places: Place[] = [];
  for (let place = take(); place !== null; place = take()) places.push(place);
  return places;
};

test("parts that are all back are lent as what they were cut from, also while the slab around them is in use", () => {
  const slabs = createSlabs({ limit: 1, slabBytes: 1024 });
  const quarters = [1, 2, 3].map(() => slabs.take(1));
  expect(quarters).not.toContain(null);
  const parts = takeUntilNone(() => slabs.take(2));
  expect(parts.map(({ bytes }) => bytes.length)).toEqual([64, 64, 64, 64]);
  expect(slabs.take(1)).toBe(null);
  for (const { giveBack } of parts) giveBack();
  expect(slabs.take(1)?.bytes).toHaveLength(256);
  expect(slabs.take(1)).toBe(null);
});
