import { afterAll, beforeAll, expect, test } from "vitest";
import { json } from "../../../sdk/src/codecs.ts";
import type { TestBroker } from "../../../sdk/src/testing.ts";
import { createTestBroker } from "../../../sdk/src/testing.ts";

let broker: TestBroker;

beforeAll(async () => {
  broker = await createTestBroker();
  await broker.topics.create("orders", { partitions: 3 });
  await broker.topics.create("small", { configs: { "max.message.bytes": 1_000 } });
});
afterAll(() => broker.close());

test("a batch resolves with where each of its messages stands, keys in order", async () => {
  await broker.topics.create("batch", { partitions: 4 });
  await using producer = broker.cluster.producer({ value: json<{ n: number }>() });
  const sent = await producer.sendBatch(
    "batch",
    Array.from({ length: 1_000 }, (_, n) => ({ key: `k${n % 20}`, value: { n } })),
  );
  const places = new Set(sent.map(({ partition, offset }) => `${partition}:${offset}`));
  expect(places.size).toBe(1_000);
  for (let key = 0; key < 20; key++) {
    const own = sent.filter((_, n) => n % 20 === key);
    expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
    const offsets = own.map(({ offset }) => offset);
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
  }
});

test("plain values make a batch too", async () => {
  await using producer = broker.cluster.producer();
  expect(await producer.sendBatch("orders", ["a", "b"])).toHaveLength(2);
});

test("what one partition refuses does not fail its neighbours in the request", async () => {
  await using producer = broker.cluster.producer({ compression: "none" });
  await producer.send("orders", { value: "warm up", partition: 0 });
  const outcomes = await Promise.allSettled([
    producer.send("orders", { value: "fine", partition: 0 }),
    producer.send("small", { value: "x".repeat(5_000) }),
    producer.send("orders", { value: "fine", partition: 2 }),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(outcomes[1]).toMatchObject({ reason: { code: "MESSAGE_TOO_LARGE", retriable: false } });
  expect(await producer.send("small", { value: "fits" })).toMatchObject({ offset: 0 });
});

test("a partition that is not there is refused before anything is sent", async () => {
  await using producer = broker.cluster.producer();
  await expect(producer.send("orders", { value: "x", partition: 3 })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});

test("a topic that is not there is an error that says so", async () => {
  await using producer = broker.cluster.producer();
  await expect(producer.send("nope", { value: "x" })).rejects.toMatchObject({
    code: "UNKNOWN_TOPIC_OR_PARTITION",
    message: "There is no topic nope",
  });
});

test("close sends what is queued, and nothing is taken after it", async () => {
  const producer = broker.cluster.producer({ lingerMs: 60_000 });
  const sent = producer.send("orders", { key: "k", value: "last" });
  await producer.close();
  expect(await sent).toMatchObject({ topic: "orders" });
  await expect(producer.send("orders", { value: "late" })).rejects.toMatchObject({
    code: "CLOSED",
  });
});
