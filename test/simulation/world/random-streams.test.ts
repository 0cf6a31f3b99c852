import { expect, test } from "vitest";
import { createStreams } from "./random-streams.ts";

const drawn = (seed: number, name: string, before: readonly string[] = []): number[] => {
  const streams = createStreams(seed);
  for (const other of before) streams(other).float();
  const stream = streams(name);
  return Array.from({ length: 20 }, () => stream.float());
};

test("a stream is the same for its seed and name, whatever other streams are drawn from", () => {
  expect(drawn(7, "disk", ["network", "clock"])).toEqual(drawn(7, "disk"));
});

test.each([
  ["another name", drawn(7, "disks")],
  ["another seed", drawn(8, "disk")],
  ["a seed beyond 32 bits", drawn(7 + 2 ** 32, "disk")],
])("%s gives another stream", (_what, numbers) => {
  const same = new Set(drawn(7, "disk"));
  expect(numbers.some((each) => same.has(each))).toBe(false);
});

test("a name asked for again goes on where it was", () => {
  const streams = createStreams(1);
  const first = [streams("a").float(), streams("a").float()];
  expect(first).toEqual(drawn(1, "a").slice(0, 2));
});

test("numbers are spread as their names say", () => {
  const stream = createStreams(3)("any");
  const count = 20_000;
  const mean = (draw: () => number): number => {
    let sum = 0;
    for (let index = 0; index < count; index++) sum += draw();
    return sum / count;
  };
  expect(mean(() => stream.float())).toBeCloseTo(0.5, 1);
  expect(mean(() => stream.int(10))).toBeCloseTo(4.5, 0);
  expect(mean(() => stream.between(10, 20))).toBeCloseTo(15, 0);
  expect(mean(() => stream.wait(5)) / 5).toBeCloseTo(1, 1);
  expect(mean(() => (stream.chance(0.2) ? 1 : 0))).toBeCloseTo(0.2, 1);
  expect(mean(() => Math.log10(stream.logBetween(1, 100)))).toBeCloseTo(1, 1);
  expect(new Set(stream.bytes(1_000)).size).toBeGreaterThan(200);
});
