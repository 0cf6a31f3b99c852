import { expect, test } from "vitest";
import { chooseWorkloads, workloads } from "../../../../bench/load/workloads.ts";

test("workloads have names of their own", () => {
  expect(new Set(workloads.map(({ name }) => name)).size).toBe(workloads.length);
});

test("a star stands for anything, a plain name for itself only", () => {
  expect(chooseWorkloads(["produce-1k"]).map(({ name }) => name)).toEqual(["produce-1k"]);
  expect(chooseWorkloads(["fetch-*"]).every(({ kind }) => kind === "fetch")).toBe(true);
});

test("a name that is no workload's is refused, not run as nothing", () => {
  expect(() => chooseWorkloads(["produce-1k", "fetsh-hot"])).toThrow("fetsh-hot");
});

test("no batch is larger than Kafka takes by default", () => {
  for (const workload of workloads)
    if (workload.kind === "produce")
      expect(workload.recordsPerBatch * (workload.recordBytes + 16) + 61).toBeLessThan(1_048_588);
});
