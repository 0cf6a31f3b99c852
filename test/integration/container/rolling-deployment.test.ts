import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

const topic = "orders";
const slots = [0, 1, 2];

// What CloudFormation and ECS do in a deployment: zone after zone a broker is told to stop, its disk is thrown away, and another begins with nothing. The
// next zone's turn is when the new one is ready.
describe.skipIf(skipped !== null)("a deployment that replaces every broker and every disk", () => {
  const directory = temporaryDirectory();
  const all: BrokerContainer[] = [];
  const current: BrokerContainer[] = [];
  let aws: AwsEmulation;
  let controlPlane: ControlPlane;
  let shop: Cluster;
  let firstPort: number;

  beforeAll(async () => {
    aws = await startAwsEmulation("rolled");
    firstPort = await freePortRange(6);
    controlPlane = await startControlPlane(aws.environment);
    await controlPlane.myelin.clusters.create({ name: "shop" });
    for (const slot of slots) start(slot, 1);
    for (const slot of slots) await whenReady(slot);
    shop = await controlPlane.myelin.clusters.get("shop");
    await shop.topics.create({ name: topic, partitions: 6 });
  }, 120_000);

  afterAll(async () => {
    await Promise.all(all.map((each) => each.stop("SIGKILL")));
    await controlPlane?.stop();
    await aws?.stop();
    directory[Symbol.dispose]();
  }, 60_000);

  function start(slot: number, life: number): void {
    const container = startBrokerContainer({
      ...aws.environment,
      MYELIN_DATA_DIR: join(directory.path, `disk-${slot}-${life}`),
      MYELIN_LISTEN_HOST: "127.0.0.1",
      MYELIN_ADVERTISED_HOST: "127.0.0.1",
      MYELIN_PORT: String(firstPort + slot),
      MYELIN_HTTP_PORT: String(firstPort + 3 + slot),
      MYELIN_ZONE: `zone-${slot}`,
      MYELIN_REPLACEMENT_DELAY_S: "3",
    });
    all.push(container);
    current[slot] = container;
  }

  async function whenReady(slot: number): Promise<void> {
    const url = `http://127.0.0.1:${firstPort + 3 + slot}/readyz`;
    const deadlineMs = Date.now() + 90_000;
    for (let said = "nothing"; ; await sleep(200)) {
      const answer = await fetch(url).catch(() => null);
      if (answer !== null) said = await answer.text();
      if (answer?.status === 200) return;
      if (Date.now() > deadlineMs) throw new Error(`the broker in slot ${slot} says ${said}`);
    }
  }

  /** Partitions whose in-sync sets are not whole, and the brokers that hold replicas. */
  async function state(): Promise<{ lacking: number; holders: number[] }> {
    const { topics } = await controlPlane.image();
    const partitions = [...topics.values()].flatMap((each) => each.partitions);
    return {
      lacking: partitions.filter(({ isr, replicas }) => isr.length < replicas.length).length,
      holders: [...new Set(partitions.flatMap(({ replicas }) => replicas))].sort((a, b) => a - b),
    };
  }

  test("costs no acknowledged record, and each next broker goes only when nothing lacks a copy", async () => {
    const before = await state();
    const load = writeOn(shop);
    for (const slot of slots) {
      expect(await current[slot]?.stop()).toBe(0);
      start(slot, 2);
      await whenReady(slot);
      expect((await state()).lacking).toBe(0);
    }
    const acknowledged = await load.stop();
    expect(acknowledged.size).toBeGreaterThan(100);
    const after = await state();
    // Other brokers, every one of them.
    expect(after.holders).toHaveLength(3);
    expect(after.holders.filter((id) => before.holders.includes(id))).toEqual([]);
    const again = await controlPlane.myelin.clusters.get("shop");
    for await (const { value } of again.reader({
      topics: [topic],
      from: "beginning",
      untilEnd: true,
    }))
      acknowledged.delete(value);
    expect([...acknowledged]).toEqual([]);
  }, 300_000);
});

/** Writes all the time; the values that were acknowledged are the result. */
function writeOn(cluster: Cluster): { stop(): Promise<Set<string>> } {
  const acknowledged = new Set<string>();
  let isStopped = false;
  const running = (async () => {
    await using producer = cluster.producer();
    for (let count = 0; !isStopped; count++) {
      const value = `record-${count}`;
      try {
        await producer.send(topic, { key: String(count), value });
        acknowledged.add(value);
      } catch {
        // Not acknowledged, so not promised.
      }
      await sleep(20);
    }
  })();
  return {
    async stop() {
      isStopped = true;
      await running;
      return acknowledged;
    },
  };
}
