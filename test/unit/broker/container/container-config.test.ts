import { expect, test } from "vitest";
import { containerConfig } from "../../../../broker/container/container-config.ts";
import { readBrokerEnvironment } from "../../../../broker/container/environment.ts";

const place = { zone: "eu-central-1a", host: "10.0.1.7" };

function configOf(more: Record<string, string> = {}) {
  const environment = readBrokerEnvironment({
    MYELIN_CELL: "prod",
    MYELIN_METADATA_TABLE: "table",
    MYELIN_BUCKET: "bucket",
    AWS_REGION: "eu-central-1",
    ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/abc",
    ...more,
  });
  return containerConfig(environment, { place, version: "1.2.3", diskBytes: 40_000_000_000 });
}

test("a container listens everywhere, tells the task's address, and knows that its disk goes with it", () => {
  expect(configOf()).toMatchObject({
    directory: "/data/broker-1",
    listen: { host: "0.0.0.0", port: 9092 },
    advertised: { host: "10.0.1.7", port: 9092 },
    zone: "eu-central-1a",
    isEphemeral: true,
    tiering: { localBudgetBytes: 20_000_000_000 },
    version: "1.2.3",
  });
});

test.each(["2", "30", "120"])(
  "in %s s a stop hands over, ends requests, and has time left for the disk",
  (seconds) => {
    const { cell, stopTimeoutMs } = configOf({ MYELIN_STOP_TIMEOUT_S: seconds });
    const taken = (cell.drainTimeoutMs ?? Infinity) + stopTimeoutMs;
    expect(taken).toBeLessThan(Number(seconds) * 1_000);
    expect(cell.drainTimeoutMs).toBeGreaterThan(0);
  },
);
