import { expect, test } from "vitest";
import { costs } from "../../../../bench/load/figures.ts";

test("CPU is stated per gigabyte of values, user and system apart", () => {
  const figures = costs({ seconds: 10, records: 4_000_000, bytes: 4e9, user: 4, system: 6 });
  expect(figures).toMatchObject({
    megabytesPerSecond: 400,
    recordsPerSecond: 400_000,
    userSecondsPerGb: 1,
    systemSecondsPerGb: 1.5,
    cpuSecondsPerGb: 2.5,
    cpuMicrosPerRecord: 2.5,
    brokerCores: 1,
  });
});
