import { expect, test } from "vitest";
import type { Sample } from "../../../../bench/soak/samples.ts";
import { trend } from "../../../../bench/soak/samples.ts";

/** Ten minutes of a life, a sample a second. */
const life = (handlesAt: (age: number) => number): Sample[] =>
  Array.from({ length: 600 }, (_, age) => ({
    life: 1,
    age,
    rssMb: 0,
    heapMb: 0,
    liveHeapMb: 0,
    handles: handlesAt(age),
    cpuSeconds: 0,
  }));

test("what does not change is flat", () => {
  expect(
    trend(
      life(() => 50),
      "handles",
    ),
  ).toMatchObject({ isFlat: true, perHour: 0, first: 50 });
});

test("a leak of a handle every four seconds is found, with its slope", () => {
  const found = trend(
    life((age) => 50 + Math.floor(age / 4)),
    "handles",
  );
  expect(found?.isFlat).toBe(false);
  expect(found?.perHour).toBeCloseTo(900, -2);
});

test("growth in the first two minutes is settling", () => {
  const found = trend(
    life((age) => Math.min(age, 100)),
    "handles",
  );
  expect(found).toMatchObject({ isFlat: true, perHour: 0 });
});

test("of a figure that rises and falls the lowest of each quarter minute counts", () => {
  const found = trend(
    life((age) => 50 + 10 * (age % 15)),
    "handles",
  );
  expect(found).toMatchObject({ isFlat: true, first: 50, last: 50, highest: 190 });
});

test("of a life that was too short nothing is said", () => {
  expect(trend(life(() => 50).slice(0, 200), "handles")).toBeNull();
});
