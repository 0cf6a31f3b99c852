import { expect, test } from "vitest";
import { markdownTable } from "../../../../bench/harness/markdown-table.ts";

test("columns are as wide as their widest cell, figures to the right", () => {
  expect(
    markdownTable(
      ["work", "MB/s"],
      [
        ["produce", "1,234"],
        ["fetch", "5"],
      ],
    ),
  ).toBe(
    [
      "| work    |  MB/s |",
      "| ------- | ----: |",
      "| produce | 1,234 |",
      "| fetch   |     5 |",
    ].join("\n"),
  );
});
