import { expect, test } from "vitest";
import { table } from "../../../../sdk/src/cli/output.ts";
import { progressText } from "../../../../sdk/src/cli/progress.ts";

test("columns are as wide as their widest cell, without blanks at the end", () => {
  const rows = [
    ["orders", "6"],
    ["a-long-name", ""],
  ];
  expect(table(["name", "partitions"], rows)).toEqual([
    "NAME         PARTITIONS",
    "orders       6",
    "a-long-name",
  ]);
});

test("a table without rows is its header", () => {
  expect(table(["name", "id"], [])).toEqual(["NAME  ID"]);
});

test("progress says how far, how fast and how long still", () => {
  expect(progressText(5_000, { fraction: 0.25, elapsedMs: 2_000 })).toBe(
    `${"█".repeat(6)}${"░".repeat(18)} 25%  5,000 messages, 2,500/s, 6 s left`,
  );
});

test("progress towards an unknown end is a count and a rate", () => {
  expect(progressText(10, { fraction: null, elapsedMs: 1_000 })).toBe("10 messages, 10/s");
});

test("what was done before anybody looked says nothing about the pace", () => {
  const first = { done: 60, fraction: 0.5 };
  expect(progressText(90, { fraction: 0.75, elapsedMs: 10_000, unit: "partitions", first })).toBe(
    `${"█".repeat(18)}${"░".repeat(6)} 75%  90 partitions, 3/s, 10 s left`,
  );
  expect(progressText(60, { fraction: 0.5, elapsedMs: 1_000, unit: "partitions", first })).toBe(
    `${"█".repeat(12)}${"░".repeat(12)} 50%  60 partitions, 0/s`,
  );
});
