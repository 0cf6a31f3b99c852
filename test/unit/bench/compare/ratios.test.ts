import { expect, test } from "vitest";
import { ratiosOf } from "../../../../bench/compare/ratios.ts";
import type { Figures } from "../../../../bench/load/figures.ts";
import { chooseWorkloads } from "../../../../bench/load/workloads.ts";

const [workload] = chooseWorkloads(["produce-1k"]);

const run = (target: string, round: number, megabytesPerSecond: number): Figures => ({
  workload: "produce-1k",
  target,
  round,
  client: "librdkafka",
  seconds: 8,
  recordsPerSecond: 0,
  megabytesPerSecond,
  userSecondsPerGb: 1,
  systemSecondsPerGb: 1,
  cpuSecondsPerGb: 2,
  cpuMicrosPerRecord: 2,
  brokerCores: 1,
  clientCores: 0,
  kernelCores: 0,
  otherCores: 0,
  rssPeakMb: 300,
  rssFilesMb: 0,
  pssMb: 0,
  failed: 0,
  error: "",
  isDisturbed: false,
});

test("pairs are of one round, and a round that one of them did not finish is left out", () => {
  const runs = [
    run("Myelin", 1, 400),
    run("Kafka", 1, 200),
    run("Kafka", 2, 1),
    run("Myelin", 3, 300),
    run("Kafka", 3, 100),
  ];
  const throughput = ratiosOf(workload!, runs, ["Myelin", "Kafka"]).find(
    ({ figure }) => figure === "MB/s",
  );
  expect(throughput?.ours).toEqual([400, 300]);
  expect(throughput?.theirs).toEqual([200, 100]);
  expect(throughput?.ratio).toEqual({ median: 2.5, lowest: 2, highest: 3, count: 2 });
});

test("a workload that only one broker ran has no ratio", () => {
  expect(ratiosOf(workload!, [run("Myelin", 1, 400)], ["Myelin", "Kafka"])).toEqual([]);
});
