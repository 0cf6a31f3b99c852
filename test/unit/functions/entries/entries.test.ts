import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { handler as api } from "../../../../functions/entries/api.ts";
import { handler as customResource } from "../../../../functions/entries/custom-resource.ts";
import { handler as maintain } from "../../../../functions/entries/maintain.ts";
import { handler as reconcile } from "../../../../functions/entries/reconcile.ts";

const told = {
  MYELIN_CELL: "prod",
  MYELIN_METADATA_TABLE: "table",
  MYELIN_BUCKET: "bucket",
  AWS_REGION: "eu-central-1",
  MYELIN_ECS_CLUSTER: "myelin-prod",
  MYELIN_ECS_SERVICES: '{"eu-central-1a":"myelin-prod-1"}',
  MYELIN_MIN_PER_ZONE: "1",
  MYELIN_MAX_PER_ZONE: "4",
};

function tell(more: Record<string, string> = {}): void {
  for (const [name, value] of Object.entries({ ...told, ...more })) vi.stubEnv(name, value);
}

beforeEach(() => vi.unstubAllEnvs());
afterEach(() => vi.unstubAllEnvs());

test.each([
  ["api", () => api({} as never)],
  ["reconcile", () => reconcile()],
  ["maintain", () => maintain()],
  ["custom-resource", () => customResource({})],
])("%s says which variables it was not told", async (_name, call) => {
  vi.stubEnv("MYELIN_CELL", "");
  await expect(call()).rejects.toMatchObject({
    name: "EnvironmentError",
    message: expect.stringContaining("MYELIN_CELL is not set: it should be the cell's name"),
  });
});

test.each([
  [{ MYELIN_ECS_SERVICES: "one" }, "it should be JSON of zones and their services"],
  [{ MYELIN_ECS_SERVICES: "{}" }, "it should be JSON of zones and their services"],
  [{ MYELIN_MIN_PER_ZONE: "-1" }, "it should be the fewest brokers of a zone, a whole number"],
  [{ MYELIN_MIN_PER_ZONE: "5" }, "it should be at most MYELIN_MAX_PER_ZONE (4)"],
  [{ MYELIN_SLEEP_WHEN_IDLE: "perhaps" }, "it should be true or false"],
])("reconcile does not begin with %j", async (wrong, message) => {
  tell(wrong);
  await expect(reconcile()).rejects.toThrow(message);
});
