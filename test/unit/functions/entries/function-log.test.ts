import { afterEach, expect, test, vi } from "vitest";
import { createFunctionLog } from "../../../../functions/entries/function-log.ts";
import { missingBrokersLine } from "../../../../functions/reconcile/missing-brokers.ts";

afterEach(() => vi.restoreAllMocks());

test("a metric is a line of its own, with all that CloudWatch looks for at its root", () => {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const line = missingBrokersLine({ cell: "prod", atMs: 1_700_000_000_000.5, missingCount: 2 });
  createFunctionLog({ cell: "prod" }).info("metrics", line);
  const [written] = write.mock.calls.map(([text]) => String(text));
  expect(written).toMatch(/^\{[^\n]*\}\n$/);
  expect(JSON.parse(written ?? "")).toMatchObject({
    level: "info",
    _aws: {
      Timestamp: 1_700_000_000_001,
      CloudWatchMetrics: [{ Namespace: "Myelin", Metrics: [{ Name: "MissingBrokers" }] }],
    },
    Cell: "prod",
    MissingBrokers: 2,
  });
});
