import { describe, expect, test } from "vitest";

import { createDynamoMetadataLog } from "../../../../adapters/dynamodb/metadata-log.ts";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import type { ControlledClock } from "../../../../adapters/memory/clock.ts";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { dollarsOf, meterDynamo } from "../../../../bench/metadata-scale/metered-dynamo.ts";
import type { PartitionLimits } from "../../../../bench/metadata-scale/metered-dynamo.ts";
import { createSimulatedDynamo } from "../../../support/simulated-dynamo.ts";

function meteredLog(limits?: PartitionLimits) {
  const clock = createManualClock();
  const random = createSeededRandom(1);
  const dynamo = meterDynamo(createSimulatedDynamo({ clock, random }), clock, limits);
  const client = dynamo.client();
  const log = createDynamoMetadataLog({ client, clock, random, tableName: "metadata", cell: "c" });
  return { clock, dynamo, log };
}

async function during<Result>(clock: ControlledClock, work: Promise<Result>): Promise<Result> {
  let isDone = false;
  const finished = work.finally(() => {
    isDone = true;
  });
  while (!isDone) await clock.advance(1);
  return finished;
}

const kilobyte = 1024;

describe("the bill of a metadata log", () => {
  test("has two units for each KB written, and as many for the entry before that is checked", async () => {
    const { clock, dynamo, log } = meteredLog();
    await during(clock, log.genesis(1, new Uint8Array(100)));
    dynamo.takeBill();
    await during(clock, log.append(2, new Uint8Array(9.5 * kilobyte)));
    expect(dynamo.takeBill()).toMatchObject({ writeUnits: 2 * 10 + 2, readUnits: 0 });
    await during(clock, log.append(3, new Uint8Array(100)));
    expect(dynamo.takeBill()).toMatchObject({ writeUnits: 2 + 2 * 10 });
    expect(await during(clock, log.append(3, new Uint8Array(100)))).toBe("conflict");
    expect(dynamo.takeBill()).toMatchObject({ writeUnits: 2 + 2 * 10 });
  });

  test("has a unit for each 4 KB read, and one where there was nothing", async () => {
    const { clock, dynamo, log } = meteredLog();
    await during(clock, log.genesis(1, new Uint8Array(100)));
    for (const revision of [2, 3]) {
      await during(clock, log.append(revision, new Uint8Array(6 * kilobyte)));
    }
    dynamo.takeBill();
    await during(clock, log.read(2, 10));
    const bill = dynamo.takeBill();
    expect(bill).toMatchObject({ writeUnits: 0, readUnits: 4 });
    expect(dollarsOf(bill)).toBeCloseTo(4 * 0.125e-6, 12);
    await during(clock, log.read(4, 10));
    expect(dynamo.takeBill()).toMatchObject({ readUnits: 1 });
  });

  test("shows what one partition of the table refuses, and the adapter tries again", async () => {
    const { clock, dynamo, log } = meteredLog({ readUnitsPerSecond: 2, writeUnitsPerSecond: 10 });
    await during(clock, log.genesis(1, new Uint8Array(100)));
    const startedMs = clock.monotonicMs();
    for (const revision of [2, 3]) {
      const entry = new Uint8Array(4.5 * kilobyte);
      expect(await during(clock, log.append(revision, entry))).toBe("accepted");
    }
    const { throttledCount } = dynamo.takeBill();
    expect(throttledCount).toBeGreaterThan(0);
    expect(clock.monotonicMs() - startedMs).toBeGreaterThan(200);
  });
});
