import fc from "fast-check";
import { expect, test } from "vitest";

import { rules } from "../../../../metadata/commands/rules.ts";
import { seededRandom } from "../test-cell.ts";
import { playSleeping, settleAwake, sleepKinds } from "./sleep-steps.ts";
import type { SleepStep } from "./sleep-steps.ts";
import { unsettled } from "./steps.ts";
import { createWorld } from "./world.ts";

const steps: fc.Arbitrary<SleepStep[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...sleepKinds),
    node: fc.nat(3),
    index: fc.nat(1),
    luck: fc.integer({ min: 0, max: 9 }),
  }),
  { minLength: 150, maxLength: 400, size: "max" },
);

test("no promised record is lost and no offset means two, however often the cell sleeps and wakes", () => {
  fc.assert(
    fc.property(steps, (all) => playSleeping(createWorld(4), all)),
    { numRuns: 100, endOnFailure: true },
  );
}, 60_000);

test("a cell that is woken has its leaders, full in-sync sets, and no seal", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const world = createWorld(4);
      playSleeping(world, all);
      settleAwake(world);
      expect(unsettled(world)).toEqual([]);
      expect(world.cell.image.sealedCount).toBe(0);
    }),
    { numRuns: 30, endOnFailure: true },
  );
}, 60_000);

test("a search of a few hundred lives finds the loss when leaders do not begin where the seal ends", () => {
  const lives = Array.from({ length: 400 }, (_, seed) => {
    const random = seededRandom(seed + 1);
    const below = (bound: number) => Math.floor(random.float() * bound);
    const all = Array.from({ length: 300 }, (): SleepStep => {
      const kind = sleepKinds[below(sleepKinds.length)] ?? "fetch";
      return { kind, node: below(4), index: below(2), luck: below(10) };
    });
    return () => playSleeping(createWorld(4, rules, { bootstraps: false }), all);
  });
  expect(() => lives.forEach((live) => live())).toThrow(/I9|offset/);
}, 60_000);
