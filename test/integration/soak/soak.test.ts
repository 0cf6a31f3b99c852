import { join } from "node:path";
import { expect, test } from "vitest";
import { shortPlan } from "../../../bench/soak/plan.ts";
import { soak } from "../../../bench/soak/soak.ts";
import { freePorts } from "../../support/free-ports.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

// The short form of `npm run soak`: lives are counted in records, so that a slow machine takes longer and checks the same.

const seed = Number(process.env["SOAK_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test(
  "three kills under a mixed load lose nothing, change nothing, and take no group's offset back",
  { timeout: 180_000 },
  async () => {
    console.log(`soak: SOAK_SEED=${seed}`);
    using directory = temporaryDirectory();
    const [port = 0, httpPort = 0] = await freePorts(2);
    const report = await soak({
      plan: shortPlan,
      data: join(directory.path, "data"),
      port,
      httpPort,
      seed,
      rate: 1,
      lives: [600 + (seed % 400), 300 + (seed % 300), 600 + (seed % 200)].map((records) => ({
        after: "records",
        records,
      })),
      say: (line) => console.log(`soak: ${line}`),
    });
    const { violations, faults, totals } = report;
    expect({ violations, faults }).toEqual({
      violations: { counts: {}, byWhom: {}, examples: [] },
      faults: [],
    });
    expect(totals.acknowledged).toBeGreaterThan(1_500);
    expect(totals.stored).toBeGreaterThan(1_500);
    expect(totals.sightings).toBeGreaterThan(500);
    expect(totals.commits).toBeGreaterThan(10);
    expect(report.deeds).toEqual({ "kill -9": 4 });
  },
);
