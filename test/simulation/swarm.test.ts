import { expect, test } from "vitest";
import { runSeed } from "./scenario/run-seed.ts";

// Fresh seeds each time, for a few seconds: `npm run sim -- --for SECONDS` goes on for longer.

const sliceMs = 8_000;

test("brokers keep their promises under load and faults", { timeout: 120_000 }, async () => {
  const from = Math.floor(Date.now() / 100);
  console.log(`simulating from seed ${from}`);
  const endMs = Date.now() + sliceMs;
  let seeds = 0;
  for (let seed = from; Date.now() < endMs; seed++, seeds++) {
    try {
      await runSeed({ seed });
    } catch (error) {
      throw new Error(`again: npm run sim -- --seed ${seed}`, { cause: error });
    }
  }
  expect(seeds).toBeGreaterThan(0);
});
