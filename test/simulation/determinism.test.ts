import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { runSeed } from "./scenario/run-seed.ts";

// The day someone smuggles in a clock, this fails before any scenario does.

const limits = { maxEvents: 5_000 };

test.each([1, 2, 3])("seed %i is the same run every time", async (seed) => {
  const first = await runSeed({ seed, ...limits });
  const second = await runSeed({ seed, ...limits });
  expect(second.hash).toBe(first.hash);
  expect(second.events).toBe(first.events);
});

test("a seed is the same run in another process, and with a trace", async () => {
  const { hash } = await runSeed({ seed: 4, ...limits, trace: () => undefined });
  const main = resolve(import.meta.dirname, "main.ts");
  const output = execFileSync(
    resolve(import.meta.dirname, "../../node_modules/.bin/node"),
    [main, "--seed", "4", "--events", String(limits.maxEvents)],
    { encoding: "utf8" },
  );
  expect(output).toContain(hash);
});

test("another seed is another run", async () => {
  const hashes: string[] = [];
  for (const seed of [5, 6]) hashes.push((await runSeed({ seed, ...limits })).hash);
  expect(hashes[0]).not.toBe(hashes[1]);
});
