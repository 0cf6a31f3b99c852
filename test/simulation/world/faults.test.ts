import { expect, test } from "vitest";
import { faultNames, faultTable, formatFaultRates, parseFaultRates } from "./fault-table.ts";
import { createFaults, drawFaultRates } from "./faults.ts";
import { createStreams } from "./random-streams.ts";

const strikesOf = (rates: Parameters<typeof createFaults>[0], count = 1_000): boolean[] => {
  const faults = createFaults(rates, createStreams(1));
  return Array.from({ length: count }, () => {
    faults.strikes("network.reset");
    return faults.strikes("disk.writeFails");
  });
};

test("a fault strikes as often as its rate says, and never without one", () => {
  expect(strikesOf({ "disk.writeFails": 0.2 }).filter(Boolean).length).toBeGreaterThan(150);
  expect(strikesOf({ "disk.writeFails": 0.2 }).filter(Boolean).length).toBeLessThan(250);
  expect(strikesOf({}).filter(Boolean)).toHaveLength(0);
});

test("another fault's rate changes nothing about when this one strikes", () => {
  expect(strikesOf({ "disk.writeFails": 0.2, "network.reset": 0.5 })).toEqual(
    strikesOf({ "disk.writeFails": 0.2 }),
  );
});

test("no fault strikes once all is quiet", () => {
  const faults = createFaults({ "disk.writeFails": 1, "process.kill": 60 }, createStreams(1));
  expect(faults.strikes("disk.writeFails")).toBe(true);
  faults.quieten();
  expect(faults.strikes("disk.writeFails")).toBe(false);
  expect(faults.rate("process.kill")).toBe(0);
});

test("rates are read as they are written, and a name or number that is none is refused", () => {
  const rates = { "network.reset": 0.01, "process.kill": 20 } as const;
  expect(parseFaultRates(formatFaultRates(rates))).toEqual(rates);
  expect(() => parseFaultRates("network.rest=1")).toThrow(/no fault "network.rest"; there are/);
  for (const wrong of ["disk.torn", "disk.torn=", "disk.torn=x", "disk.torn=-1"]) {
    expect(() => parseFaultRates(wrong)).toThrow("needs a rate");
  }
});

test("a mix has each fault in some seeds and not in others, at rates within its range", () => {
  const mixes = Array.from({ length: 300 }, (_, seed) =>
    drawFaultRates(createStreams(seed)("swarm faults")),
  );
  for (const name of faultNames) {
    const rates = mixes.flatMap((mix) => mix[name] ?? []);
    expect(rates.length, name).toBeGreaterThan(30);
    expect(rates.length, name).toBeLessThan(200);
    const [least, most] = faultTable[name].swarm;
    expect(Math.min(...rates), name).toBeGreaterThanOrEqual(least);
    expect(Math.max(...rates), name).toBeLessThanOrEqual(most);
  }
});
