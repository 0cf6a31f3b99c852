import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultCellConfig } from "../../../broker/cell/cell-config.ts";
import type { Cluster } from "../../../sdk/src/cluster.ts";
import type { AwsEmulation } from "../../support/aws-emulation.ts";
import { noAwsEmulationReason, startAwsEmulation } from "../../support/aws-emulation.ts";
import type { BrokerContainer } from "../../support/broker-container.ts";
import { startBrokerContainer } from "../../support/broker-container.ts";
import type { ControlPlane } from "../../support/control-plane.ts";
import { startControlPlane } from "../../support/control-plane.ts";
import { freePortRange } from "../../support/free-ports.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const skipped = noAwsEmulationReason();
if (skipped !== null) console.log(skipped);

test("a broker that was told too little says all of it, and ends", async () => {
  const container = startBrokerContainer({ MYELIN_PORT: "many" });
  expect(await container.ended).toBe(1);
  const [line] = container.lines();
  expect(line).toMatchObject({ level: "error", msg: "the broker cannot start" });
  expect(line?.["error"]).toContain("MYELIN_CELL is not set: it should be the cell's name");
  expect(line?.["error"]).toContain('MYELIN_PORT is "many": it should be the port of Kafka');
});

test("a broker that waits for its metadata log ends as soon as it is told to", async () => {
  const port = await freePortRange(1);
  const container = startBrokerContainer({
    MYELIN_CELL: "cell-1",
    MYELIN_METADATA_TABLE: "table",
    MYELIN_BUCKET: "bucket",
    MYELIN_ADVERTISED_HOST: "127.0.0.1",
    MYELIN_ZONE: "zone-1",
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "none",
    AWS_SECRET_ACCESS_KEY: "none",
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
  });
  await container.whenSaid("the metadata log does not answer; the start waits for it");
  // By its own doing: the first process of a container is not ended by a signal that it does not handle.
  expect(await container.stop()).toBe(143);
  expect(container.lines()).toContainEqual(
    expect.objectContaining({ msg: "told to stop before it was up", signal: "SIGTERM" }),
  );
}, 60_000);

describe.skipIf(skipped !== null)("brokers as containers, over DynamoDB and S3", () => {
  const directory = temporaryDirectory();
  let aws: AwsEmulation;
  let controlPlane: ControlPlane;
  let firstPort: number;
  const containers: BrokerContainer[] = [];

  beforeAll(async () => {
    aws = await startAwsEmulation("cell-1");
    firstPort = await freePortRange(6);
    controlPlane = await startControlPlane(aws.environment);
  }, 120_000);

  afterAll(async () => {
    await Promise.all(containers.map((each) => each.stop("SIGKILL")));
    await controlPlane?.stop();
    await aws?.stop();
    directory[Symbol.dispose]();
  }, 60_000);

  function start(slot: number, more: Record<string, string> = {}): BrokerContainer {
    const container = startBrokerContainer({
      ...aws.environment,
      MYELIN_DATA_DIR: join(directory.path, `disk-${slot}`),
      MYELIN_LISTEN_HOST: "127.0.0.1",
      MYELIN_ADVERTISED_HOST: "127.0.0.1",
      MYELIN_PORT: String(firstPort + slot),
      MYELIN_HTTP_PORT: String(firstPort + 3 + slot),
      MYELIN_ZONE: `zone-${slot}`,
      MYELIN_PROFILE: "dev",
      ...more,
    });
    containers.push(container);
    return container;
  }

  const httpOf = (slot: number) => `http://127.0.0.1:${firstPort + 3 + slot}`;

  test("the control plane makes clusters and topics with no broker there", async () => {
    const shop = await controlPlane.myelin.clusters.create({ name: "shop" });
    expect(shop.bootstrapServers).toContain("no-broker-yet.invalid");
    await shop.topics.create({ name: "early", partitions: 3 });
  });

  test("brokers join the cell, are healthy once nothing lacks a copy, and serve the SDK", async () => {
    const up = [0, 1, 2].map((slot) => start(slot));
    for (const container of up) {
      expect(await container.whenSaid("the broker is up")).toMatchObject({
        level: "info",
        cell: "cell-1",
        broker: expect.any(Number),
      });
    }
    for (const slot of [0, 1, 2]) {
      await expect
        .poll(async () => (await fetch(`${httpOf(slot)}/readyz`)).status, { timeout: 30_000 })
        .toBe(200);
      expect((await fetch(`${httpOf(slot)}/healthz`)).status).toBe(200);
    }
    const shop = await controlPlane.myelin.clusters.get("shop");
    await shop.topics.create({ name: "orders", partitions: 6 });
    await writeAndRead(shop, 50);
  }, 90_000);

  test("with DynamoDB gone the brokers go on, and changes of metadata wait", async () => {
    const shop = await controlPlane.myelin.clusters.get("shop");
    // A producer's ids are an entry, too: who lacks what another has read answers no consumer without the log.
    await whenAllHaveRead();
    process.kill(aws.dynamoPid, "SIGSTOP");
    try {
      // Past the session, so that nothing rests on what was read before.
      await new Promise((resolve) => setTimeout(resolve, 11_000));
      // Until each knows that nobody can read the log, consumers may be refused for a moment.
      await expect
        .poll(() => writeAndRead(shop, 20).then(() => "read", String), { timeout: 30_000 })
        .toBe("read");
      await expect(controlPlane.append("too-early")).rejects.toMatchObject({
        name: "MetadataLogError",
        code: "unavailable",
      });
    } finally {
      process.kill(aws.dynamoPid, "SIGCONT");
    }
    await expect
      .poll(() => controlPlane.append("later").catch(() => "unavailable"), { timeout: 30_000 })
      .toBe("done");
  }, 90_000);

  test("with the control plane gone they go on", async () => {
    const shop = await controlPlane.myelin.clusters.get("shop");
    await controlPlane.hangUp();
    await using producer = shop.producer();
    expect(await producer.send("orders", { key: "k", value: "alone" })).toMatchObject({
      topic: "orders",
    });
    await controlPlane.serve();
  }, 60_000);

  test("told to stop, a broker hands over and ends in good order, and the others go on", async () => {
    const [first] = containers;
    const shop = await controlPlane.myelin.clusters.get("shop");
    expect(await first?.stop()).toBe(0);
    await writeAndRead(shop, 20);
    const missing = await Promise.all([1, 2].map((slot) => underReplicated(slot)));
    expect(Math.max(...missing)).toBeGreaterThan(0);
  }, 60_000);

  /** Nothing was written for longer than from one look at the log to the next. */
  async function whenAllHaveRead(): Promise<void> {
    const stillMs = defaultCellConfig.toldPollMs + 1_000;
    let seen = { revision: -1, sinceMs: 0 };
    while (Date.now() - seen.sinceMs < stillMs || seen.revision < 0) {
      const { revision } = await controlPlane.image();
      if (revision !== seen.revision) seen = { revision, sinceMs: Date.now() };
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** As the broker's own metrics have it. */
  async function underReplicated(slot: number): Promise<number> {
    const text = await (await fetch(`${httpOf(slot)}/metrics`)).text();
    return Number(/^kafka_\w+_under_replicated_partitions (\d+)$/m.exec(text)?.[1]);
  }

  async function writeAndRead(shop: Cluster, count: number): Promise<void> {
    const topic = "orders";
    await using producer = shop.producer();
    const values = Array.from({ length: count }, (_, index) => `${Date.now()}-${index}`);
    await Promise.all(
      values.map((value, index) => producer.send(topic, { key: `${index}`, value })),
    );
    const missing = new Set(values);
    const reader = shop.reader({ topics: [topic], from: "beginning" });
    for await (const { value } of reader) {
      missing.delete(value);
      if (missing.size === 0) break;
    }
  }
});
