import { expect, test } from "vitest";
import { cellHealthOf, emfLine } from "../../../../broker/container/emf.ts";
import { createCellFixture } from "../../functions/cell-fixture.ts";

const load = {
  atMs: 1_700_000_000_000.5,
  seconds: 60,
  bytesInPerSecond: 100,
  bytesOutPerSecond: 200,
  clientBytesPerSecond: 50,
  connectionCount: 7,
  busyShare: 0.25,
};
const broker = { cell: "prod", zone: "eu-central-1a", brokerId: 3 };

test("CloudWatch finds every metric it is told of in the line, and every dimension", () => {
  const cellHealth = {
    offlinePartitions: 1,
    underMinIsrPartitions: 2,
    underReplicatedPartitions: 3,
    activeBrokers: 2,
  };
  const line = emfLine(broker, { load, failedRequests: 0, logBytes: 4_096, cellHealth }) as {
    _aws: {
      Timestamp: number;
      CloudWatchMetrics: { Dimensions: string[][]; Metrics: { Name: string }[] }[];
    };
  } & Record<string, unknown>;
  expect(line).toMatchObject({
    Cell: "prod",
    Zone: "eu-central-1a",
    Broker: 3,
    BytesIn: 100,
    BusyPercent: 25,
    LogBytes: 4_096,
    UnderReplicatedPartitions: 3,
  });
  expect(Number.isInteger(line._aws.Timestamp)).toBe(true);
  for (const { Dimensions, Metrics } of line._aws.CloudWatchMetrics) {
    for (const name of Dimensions.flat()) expect(line[name]).toBeTypeOf("string");
    for (const { Name } of Metrics) expect(line[Name]).toBeTypeOf("number");
  }
});

test("of the cell as a whole only the controller's broker tells", () => {
  const line = emfLine(broker, { load, failedRequests: 0, logBytes: 0, cellHealth: null });
  expect(line).not.toHaveProperty("OfflinePartitions");
  expect(line).toMatchObject({ _aws: { CloudWatchMetrics: [{ Dimensions: [["Cell", "Zone"]] }] } });
});

test("the cell's health is that of its partitions and brokers", async () => {
  const { place, catchUp, fence, replica } = await createCellFixture(3);
  await place("orders", [1, 2, 3]);
  await catchUp("orders");
  await fence(3);
  expect(cellHealthOf(replica.image)).toEqual({
    offlinePartitions: 0,
    underMinIsrPartitions: 0,
    underReplicatedPartitions: 1,
    activeBrokers: 2,
  });
});
