import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { rules as allRules } from "../../../../metadata/commands/rules.ts";
import type { Rules } from "../../../../metadata/commands/rules.ts";
import { kinds, playAll, settle, unsettled } from "./steps.ts";
import type { Step } from "./steps.ts";
import { seededRandom } from "../test-cell.ts";
import { createWorld, Violation } from "./world.ts";

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    node: fc.nat(3),
    index: fc.nat(1),
    luck: fc.integer({ min: 0, max: 9 }),
  }),
  { minLength: 150, maxLength: 400, size: "max" },
);

test("no promised record is lost and no offset means two, whatever brokers and controller do", () => {
  fc.assert(
    fc.property(steps, (all) => playAll(createWorld(4), all)),
    { numRuns: 200 },
  );
}, 60_000);

test("once the faults end every partition has a leader, full in-sync sets and no move under way", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const world = createWorld(4);
      playAll(world, all);
      settle(world);
      expect(unsettled(world)).toEqual([]);
    }),
    { numRuns: 30 },
  );
}, 60_000);

/** The first life, drawn from numbered seeds, that breaks a promise under these rules. */
function searched(rules: Rules, lives: number): Violation | null {
  for (let seed = 1; seed <= lives; seed++) {
    const random = seededRandom(seed);
    const below = (bound: number) => Math.floor(random.float() * bound);
    const all = Array.from({ length: 300 }, (): Step => {
      const kind = kinds[below(kinds.length)] ?? "fetch";
      return { kind, node: below(4), index: below(2), luck: below(10) };
    });
    try {
      playAll(createWorld(4, rules), all);
    } catch (error) {
      if (error instanceof Violation) return error;
      throw error;
    }
  }
  return null;
}

/** Of replication.md 7: the follower restarts between its leader's proposal and the log's answer. */
function staleIsrAdd(rules: Rules): void {
  const at = (kind: Step["kind"], node = 0, luck = 9): Step => ({ kind, node, index: 0, luck });
  const talk = [at("produce"), at("fetch"), at("fetch")];
  playAll(createWorld(3, rules), [
    at("minIsr"),
    at("fence", 2),
    at("unfence", 2),
    at("observe"),
    ...talk,
    at("propose", 0, 0),
    ...talk,
    at("bounce", 2, 0),
    at("deliver"),
  ]);
}

test("a member that restarts while it is proposed is not counted with what it has lost", () => {
  staleIsrAdd(allRules);
  const careless = { ...allRules, checksBrokerEpochs: false };
  expect(() => staleIsrAdd(careless)).toThrow(Violation);
});

describe("a search of a few hundred lives finds the loss when a cell forgets that", () => {
  test.each<[string, keyof Rules]>([
    ["a host crash takes what was not flushed", "distrustsHostCrash"],
    ["enough members in sync end the eligibility of others", "clearsElr"],
    ["a member of the last in-sync set may know more", "waitsForLastIsr"],
    ["a recovery begins above every offset handed out", "leavesGap"],
    ["every term has an epoch of its own", "countsTerms"],
  ])(
    "%s",
    (_, rule) => {
      expect(searched({ ...allRules, [rule]: false }, 500)).toBeInstanceOf(Violation);
    },
    60_000,
  );
});
