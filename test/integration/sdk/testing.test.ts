import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, test } from "vitest";
import { createTestBroker } from "../../../sdk/src/testing.ts";

describe("a test broker", () => {
  test("serves any client", async () => {
    await using broker = await createTestBroker();
    await broker.topics.create("orders", { partitions: 2 });
    const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: "orders", messages: [{ key: "k", value: "hello" }] });
    await producer.disconnect();
    const consumer = kafka.consumer({ groupId: "g" });
    await consumer.connect();
    await consumer.subscribe({ topics: ["orders"], fromBeginning: true });
    const value = await new Promise((resolve, reject) => {
      consumer
        .run({ eachMessage: async ({ message }) => resolve(message.value?.toString()) })
        .catch(reject);
    });
    await consumer.disconnect();
    expect(value).toBe("hello");
  });

  test("stands beside others, each with its own topics", async () => {
    await using one = await createTestBroker();
    await using other = await createTestBroker();
    await one.topics.create("orders");
    expect(one.bootstrapServers).not.toBe(other.bootstrapServers);
    expect(await other.cluster.topics.list()).toEqual([]);
  });

  test("has time in the test's hand: what retention takes is gone after it", async () => {
    await using broker = await createTestBroker();
    await broker.topics.create("orders", { configs: { "retention.ms": "10m" } });
    await using producer = broker.cluster.producer();
    await producer.send("orders", { value: "old", timestamp: broker.now() });
    const before = broker.now().getTime();
    await broker.advance("20m");
    expect(broker.now().getTime() - before).toBeGreaterThanOrEqual(20 * 60_000);
    await producer.send("orders", { value: "new", timestamp: broker.now() });
    const reader = broker.cluster.reader({ topics: ["orders"], from: "beginning", untilEnd: true });
    const values: string[] = [];
    for await (const { value } of reader) values.push(value);
    expect(values).toEqual(["new"]);
  });

  test("fails on demand, and an idempotent producer writes once all the same", async () => {
    await using broker = await createTestBroker();
    await broker.topics.create("orders");
    await using producer = broker.cluster.producer();
    await producer.send("orders", { value: "first" });
    broker.fail({ api: "Produce", error: "NOT_LEADER_OR_FOLLOWER", times: 2 });
    expect(await producer.send("orders", { value: "second" })).toMatchObject({ offset: 1 });
    expect(broker.faultsLeft).toBe(0);
    broker.fail({ api: "Produce", error: "TOPIC_AUTHORIZATION_FAILED" });
    await expect(producer.send("orders", { value: "third" })).rejects.toMatchObject({
      code: "TOPIC_AUTHORIZATION_FAILED",
      retriable: false,
    });
  });

  test("cuts connections on demand, and clients come back", async () => {
    await using broker = await createTestBroker();
    await broker.topics.create("orders");
    await using producer = broker.cluster.producer();
    await producer.send("orders", { value: "first" });
    broker.fail({ api: "Produce", error: "DISCONNECT" });
    expect(await producer.send("orders", { value: "second" })).toMatchObject({ offset: 1 });
  });

  test("serves its HTTP API once somebody asks for it", async () => {
    await using broker = await createTestBroker();
    await broker.topics.create("orders");
    const url = await broker.url();
    expect(await broker.url()).toBe(url);
    const path = `/kafka/v3/clusters/${broker.cluster.id}/topics`;
    const topics = (await (await fetch(url + path)).json()) as { data: { topic_name: string }[] };
    expect(topics.data.map(({ topic_name: name }) => name)).toEqual(["orders"]);
  });

  test("leaves nothing behind: a process that used one ends by itself", async () => {
    const script = `
      import { createTestBroker } from "${resolve("sdk/src/testing.ts")}";
      const broker = await createTestBroker();
      await broker.topics.create("orders");
      await fetch(await broker.url());
      const producer = broker.cluster.producer();
      await producer.send("orders", { value: "x" });
      const consumer = broker.cluster.consumer({ group: "g", topics: ["orders"] });
      for await (const message of consumer) break;
      await consumer.close();
      await producer.close();
      await broker.close();
      await broker.close();
      await new Promise((resolve) => setTimeout(resolve, 200));
      console.log(process.getActiveResourcesInfo().filter((name) => /TCP|Worker|Port/.test(name)).length);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script]);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise((ended) => child.on("close", ended));
    expect({ code, output }).toEqual({ code: 0, output: "0\n" });
  });
});
