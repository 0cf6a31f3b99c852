import fc from "fast-check";
import { expect, test } from "vitest";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { planFleet } from "../../../../functions/reconcile/planner.ts";
import { FleetModel } from "./fleet-model.ts";

const steps = 400;

const universe = fc
  .record({
    seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    perZone: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
    factor: fc.integer({ min: 1, max: 5 }),
    load: fc.double({ min: 0, max: 12, noNaN: true }),
    minPerZone: fc.integer({ min: 1, max: 3 }),
    extra: fc.integer({ min: 0, max: 5 }),
  })
  .map(({ perZone, factor, ...rest }) => ({
    ...rest,
    perZone,
    // A partition has never more replicas than there are brokers.
    factor: Math.min(
      factor,
      perZone.reduce((sum, count) => sum + count, 0),
    ),
  }));

test("whatever the load and the cell, no broker goes that holds a replica, none that a replica needs, and the fleet comes to rest", () => {
  fc.assert(
    fc.property(universe, ({ seed, perZone, factor, load, minPerZone, extra }) => {
      const random = createSeededRandom(seed);
      const limits = { minPerZone, maxPerZone: minPerZone + extra, sleepsWhenIdle: false };
      const model = new FleetModel({
        zoneCount: perZone.length,
        perZone,
        replicationFactor: factor,
        load,
        float: () => random.float(),
      });
      let lastActionAt = 0;
      let hasShrunk = false;
      const flaps: string[] = [];
      for (let step = 0; step < steps; step++) {
        const plan = planFleet(model.view(), limits);
        for (const action of plan.actions) {
          lastActionAt = step;
          if (action.kind === "drain") hasShrunk = true;
          else if (action.kind === "setDesiredCount" && action.to > action.from && hasShrunk)
            flaps.push(action.reason);
          model.apply(action);
        }
        model.step();
      }
      expect(model.violations).toEqual([]);
      // Under one load a fleet that has begun to shrink does not grow again.
      expect(flaps).toEqual([]);
      expect(lastActionAt).toBeLessThan(steps - 50);
      const { perZone: wanted } = planFleet(model.view(), limits);
      for (const count of model.openPerZone) {
        expect(count).toBeGreaterThanOrEqual(wanted.atLeast);
        const total = model.openPerZone.reduce((sum, each) => sum + each, 0);
        if (total > factor) expect(count).toBeLessThanOrEqual(wanted.atMost);
      }
    }),
    { numRuns: 300 },
  );
});
