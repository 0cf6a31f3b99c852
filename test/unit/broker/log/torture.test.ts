import { expect, test } from "vitest";
import { TortureLife } from "./torture-life.ts";

// As many seeds as TORTURE_SEEDS says, from TORTURE_FROM on; without them a few seconds' worth, other ones each time. A seed that fails is run again with
// TORTURE_FROM=<seed> TORTURE_SEEDS=1 TORTURE_TRACE=1.

const count = Number(process.env["TORTURE_SEEDS"] ?? 0);
const from = Number(process.env["TORTURE_FROM"] ?? Math.floor(Date.now() / 1000));
const sliceMs = 5_000;

test("a log store keeps its promises through random lives", { timeout: 86_400_000 }, async () => {
  console.log(`log torture from seed ${from}`);
  const trace = process.env["TORTURE_TRACE"] === undefined ? {} : { trace: console.log };
  const endMs = Date.now() + sliceMs;
  let restarts = 0;
  for (let seed = from; count > 0 ? seed < from + count : Date.now() < endMs; seed += 1) {
    const life = new TortureLife(seed, trace);
    try {
      await life.run();
    } catch (error) {
      throw new Error(`the log failed in the life of seed ${seed}`, { cause: error });
    }
    restarts += life.restarts;
  }
  expect(restarts).toBeGreaterThan(0);
});
