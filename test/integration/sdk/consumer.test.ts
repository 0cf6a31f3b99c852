import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConsumedMessage } from "../../../sdk/src/client/consumer.ts";
import { bytes, json, nullable, string } from "../../../sdk/src/codecs.ts";
import { MyelinError } from "../../../sdk/src/errors.ts";
import type { TestBroker } from "../../../sdk/src/testing.ts";
import { createTestBroker } from "../../../sdk/src/testing.ts";

let broker: TestBroker;
let topicCount = 0;

beforeAll(async () => {
  broker = await createTestBroker();
});
afterAll(() => broker.close());

/** A topic of the test's own with numbered messages, keyed so that they spread over its partitions. */
async function topicWith(count: number, partitions = 1): Promise<string> {
  const topic = `topic-${topicCount++}`;
  await broker.topics.create(topic, { partitions });
  await using producer = broker.cluster.producer();
  await producer.sendBatch(
    topic,
    Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: String(index) })),
  );
  return topic;
}

/** What the loop sees until it has seen `count`; leaves the loop with the last one undone, as `break` does. */
async function take<Value>(
  messages: AsyncIterable<ConsumedMessage<Value>>,
  count: number,
): Promise<ConsumedMessage<Value>[]> {
  const taken: ConsumedMessage<Value>[] = [];
  for await (const message of messages) {
    taken.push(message);
    if (taken.length === count) break;
  }
  return taken;
}

const valuesOf = (messages: readonly { value: unknown }[]): unknown[] =>
  messages.map(({ value }) => value);

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => String(from + index));

test("a message arrives as it was sent", async () => {
  const topic = await topicWith(0);
  await using producer = broker.cluster.producer({ value: json<{ total: number }>() });
  const timestamp = new Date(Date.now() - 86_400_000);
  const sent = await producer.send(topic, {
    key: "ä1",
    value: { total: 3 },
    headers: { trace: "x", binary: new Uint8Array([255]) },
    timestamp,
  });
  expect(sent).toEqual({ topic, partition: 0, offset: 0 });
  await using consumer = broker.cluster.consumer({
    group: topic,
    topics: [topic],
    value: json<{ total: number }>(),
  });
  const [message] = await take(consumer, 1);
  expect(message).toMatchObject({ topic, partition: 0, offset: 0, timestamp, key: "ä1" });
  expect(message?.value.total).toBe(3);
  expect(message?.headers["trace"]).toBe("x");
  expect(message?.raw.headers).toContainEqual(["binary", Buffer.from([255])]);
});

test.each(["none", "gzip", "snappy", "lz4", "zstd"] as const)(
  "what was sent with compression %s is read",
  async (compression) => {
    const topic = await topicWith(0);
    await using producer = broker.cluster.producer({ compression });
    await producer.sendBatch(topic, numbers(0, 50));
    await using consumer = broker.cluster.consumer({ group: topic, topics: [topic] });
    expect(valuesOf(await take(consumer, 50))).toEqual(numbers(0, 50));
  },
);

describe("at least once", () => {
  test("the message in hand when the loop is left comes again, those before it do not", async () => {
    const topic = await topicWith(10);
    {
      await using consumer = broker.cluster.consumer({ group: topic, topics: [topic] });
      await take(consumer, 4);
    }
    await using next = broker.cluster.consumer({ group: topic, topics: [topic] });
    expect(valuesOf(await take(next, 7))).toEqual(numbers(3, 10));
  });

  test("a loop that throws leaves its message undone", async () => {
    const topic = await topicWith(3);
    const failing = async (): Promise<void> => {
      await using consumer = broker.cluster.consumer({ group: topic, topics: [topic] });
      for await (const { value } of consumer) if (value === "1") throw new Error("cannot bill");
    };
    await expect(failing()).rejects.toThrow("cannot bill");
    await using next = broker.cluster.consumer({ group: topic, topics: [topic] });
    expect(valuesOf(await take(next, 2))).toEqual(["1", "2"]);
  });

  test("the same consumer goes on with the message it left", async () => {
    const topic = await topicWith(5);
    await using consumer = broker.cluster.consumer({ group: topic, topics: [topic] });
    expect(valuesOf(await take(consumer, 2))).toEqual(["0", "1"]);
    expect(valuesOf(await take(consumer, 2))).toEqual(["1", "2"]);
  });

  test("with manual commits only they count", async () => {
    const topic = await topicWith(6);
    {
      await using consumer = broker.cluster.consumer({
        group: topic,
        topics: [topic],
        commit: "manual",
      });
      const taken = await take(consumer, 5);
      await taken[2]?.commit();
    }
    await using next = broker.cluster.consumer({ group: topic, topics: [topic] });
    expect(valuesOf(await take(next, 3))).toEqual(["3", "4", "5"]);
  });

  test("a batch is done when the loop asks for the next", async () => {
    const topic = await topicWith(20, 2);
    const seen: string[] = [];
    {
      await using consumer = broker.cluster.consumer({ group: topic, topics: [topic] });
      for await (const batch of consumer.batches()) {
        expect(new Set(batch.messages.map(({ partition }) => partition))).toEqual(
          new Set([batch.partition]),
        );
        if (seen.length > 0) break;
        seen.push(...batch.messages.map(({ value }) => value));
      }
    }
    await using next = broker.cluster.consumer({ group: topic, topics: [topic] });
    const rest = valuesOf(await take(next, 20 - seen.length));
    expect([...seen, ...rest.map(String)].toSorted()).toEqual(numbers(0, 20).toSorted());
  });
});

describe("a group's start", () => {
  test("at the end sees only what comes afterwards, and whoever takes over misses nothing", async () => {
    const topic = await topicWith(3);
    const options = { group: topic, topics: [topic], from: "end" as const };
    const consumer = broker.cluster.consumer(options);
    const first = consumer[Symbol.asyncIterator]().next();
    await using producer = broker.cluster.producer();
    // Joined once the group knows the member.
    const admin = new Kafka({
      brokers: [broker.bootstrapServers],
      logLevel: logLevel.NOTHING,
    }).admin();
    await admin.connect();
    await expect
      .poll(async () => (await admin.describeGroups([topic])).groups[0]?.members.length)
      .toBe(1);
    await expect
      .poll(async () => {
        await producer.send(topic, { value: "new" });
        return Promise.race([first, new Promise((resolve) => setTimeout(resolve, 50, null))]);
      })
      .toMatchObject({ value: { value: "new" } });
    await consumer.close();
    await producer.send(topic, { value: "while nobody looks" });
    await using next = broker.cluster.consumer(options);
    const seen: string[] = [];
    for await (const { value } of next) {
      seen.push(value);
      if (value === "while nobody looks") break;
    }
    expect(seen).not.toContain("0");
    await admin.disconnect();
  });

  test("on a topic that is not there is an error that says so", async () => {
    await using consumer = broker.cluster.consumer({ group: "g", topics: ["nope"] });
    await expect(take(consumer, 1)).rejects.toMatchObject({
      code: "UNKNOWN_TOPIC_OR_PARTITION",
      message: "There is no topic nope",
    });
  });
});

describe("a rebalance", () => {
  test("loses nothing, and gives every partition to one member at a time", async () => {
    const count = 3_000;
    const topic = await topicWith(count, 6);
    const seen = new Map<string, number>();
    const stop = new AbortController();
    const run = async (): Promise<number> => {
      let own = 0;
      await using consumer = broker.cluster.consumer({
        group: topic,
        topics: [topic],
        signal: stop.signal,
        sessionTimeoutMs: 6_000,
      });
      for await (const { value } of consumer) {
        seen.set(value, (seen.get(value) ?? 0) + 1);
        own++;
        if (own % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 60));
        if (seen.size === count) stop.abort();
      }
      return own;
    };
    const first = run();
    await expect.poll(() => seen.size).toBeGreaterThan(100);
    const second = run();
    const [byFirst, bySecond] = await Promise.all([first, second]);
    expect(seen.size).toBe(count);
    expect(byFirst).toBeGreaterThan(0);
    expect(bySecond).toBeGreaterThan(0);
    // Each member may see again what it, or the other, had in hand; no more than that.
    const again = [...seen.values()].filter((times) => times > 1).length;
    expect(again).toBeLessThanOrEqual(4);
  });

  test("a member that leaves hands its partitions over", async () => {
    const topic = await topicWith(200, 4);
    const options = { group: topic, topics: [topic], sessionTimeoutMs: 6_000 };
    const leaving = broker.cluster.consumer(options);
    await take(leaving, 20);
    const staying = broker.cluster.consumer(options);
    const rest = take(staying, 181);
    await leaving.close();
    expect((await rest).length).toBe(181);
    await staying.close();
  });

  test("forced on a member in the middle of its work goes unseen by the loop", async () => {
    const topic = await topicWith(40, 2);
    await using consumer = broker.cluster.consumer({
      group: topic,
      topics: [topic],
      sessionTimeoutMs: 6_000,
    });
    const seen: string[] = [];
    for await (const { value } of consumer) {
      seen.push(value);
      if (seen.length === 10) {
        broker.fail({ api: "Heartbeat", error: "REBALANCE_IN_PROGRESS" });
        await expect.poll(() => broker.faultsLeft, { timeout: 10_000 }).toBe(0);
      }
      if (seen.length === 40) break;
    }
    expect(seen.toSorted()).toEqual(numbers(0, 40).toSorted());
  });

  test("that throws a member out lets it join again as a new one", async () => {
    const topic = await topicWith(20);
    await using consumer = broker.cluster.consumer({
      group: topic,
      topics: [topic],
      sessionTimeoutMs: 6_000,
    });
    const seen = new Set<string>();
    for await (const { value } of consumer) {
      seen.add(value);
      if (seen.size === 5) {
        broker.fail({ api: "Heartbeat", error: "UNKNOWN_MEMBER_ID" });
        await expect.poll(() => broker.faultsLeft, { timeout: 10_000 }).toBe(0);
      }
      if (seen.size === 20) break;
    }
    expect(seen.size).toBe(20);
  });
});

describe("a commit that a rebalance overtakes", () => {
  test("is refused, and not made in the name of the next generation", async () => {
    const topic = await topicWith(40, 2);
    const options = { group: topic, topics: [topic], sessionTimeoutMs: 6_000 };
    await using first = broker.cluster.consumer({ ...options, commit: "manual" });
    const inHand = new Map<number, ConsumedMessage<string>>();
    for await (const message of first) {
      inHand.set(message.partition, message);
      if (inHand.size === 2) break;
    }
    // The group gives this member up before it can notice.
    await broker.advance(7_000);
    const commits = await Promise.allSettled([...inHand.values()].map((each) => each.commit()));
    expect(commits.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const admin = new Kafka({
      brokers: [broker.bootstrapServers],
      logLevel: logLevel.NOTHING,
    }).admin();
    await admin.connect();
    const [found] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
    await admin.disconnect();
    expect(found?.partitions.map(({ offset }) => offset)).toEqual(["-1", "-1"]);
    // It is a member again by then, or soon: what was not committed can be.
    const [again] = await take(first, 1);
    await again?.commit();
  });
});

describe("a value that cannot be decoded", () => {
  const invalidIn = async (): Promise<string> => {
    const topic = await topicWith(0);
    await using producer = broker.cluster.producer();
    await producer.sendBatch(topic, [
      { key: "a", value: '{"n":1}' },
      { key: "b", value: "{", headers: { trace: "t" } },
      { key: "c", value: '{"n":3}' },
    ]);
    return topic;
  };

  test("ends the loop with its place, and comes again", async () => {
    const topic = await invalidIn();
    const options = { group: topic, topics: [topic], value: json<{ n: number }>() };
    for (const expected of [[1], []]) {
      await using consumer = broker.cluster.consumer(options);
      const seen: number[] = [];
      const loop = async (): Promise<void> => {
        for await (const { value } of consumer) seen.push(value.n);
      };
      const error = await loop().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(MyelinError);
      expect(error).toMatchObject({ code: "INVALID_VALUE" });
      expect((error as Error).message).toContain(`Offset 1 of ${topic} partition 0`);
      expect(seen).toEqual(expected);
    }
  });

  test("is left out if that is what was asked for", async () => {
    const topic = await invalidIn();
    const options = { group: topic, topics: [topic], value: json<{ n: number }>() };
    await using consumer = broker.cluster.consumer({ ...options, onInvalid: "skip" });
    expect(valuesOf(await take(consumer, 2))).toEqual([{ n: 1 }, { n: 3 }]);
  });

  test("goes to the dead letter topic as it is, with where it came from", async () => {
    const topic = await invalidIn();
    const deadLetter = `${topic}.dlq`;
    await broker.topics.create(deadLetter);
    const value = json<{ n: number }>();
    await using consumer = broker.cluster.consumer({
      group: topic,
      topics: [topic],
      value,
      onInvalid: { deadLetter },
    });
    expect(valuesOf(await take(consumer, 2))).toEqual([{ n: 1 }, { n: 3 }]);
    await using dead = broker.cluster.consumer({ group: deadLetter, topics: [deadLetter] });
    const [letter] = await take(dead, 1);
    expect(letter).toMatchObject({ key: "b", value: "{" });
    expect(letter?.headers).toMatchObject({
      trace: "t",
      "myelin.origin.topic": topic,
      "myelin.origin.partition": "0",
      "myelin.origin.offset": "1",
    });
    expect(letter?.headers["myelin.error"]).toContain("not JSON");
  });

  test("in a batch ends it before that message", async () => {
    const topic = await invalidIn();
    const value = json<{ n: number }>();
    await using consumer = broker.cluster.consumer({ group: topic, topics: [topic], value });
    const batches = consumer.batches();
    const first = await batches.next();
    expect(first.value?.messages.map((message) => message.value)).toEqual([{ n: 1 }]);
    await expect(batches.next()).rejects.toMatchObject({ code: "INVALID_VALUE" });
  });

  test("a message without a value is one, unless the codec takes it", async () => {
    const topic = await topicWith(0);
    await using producer = broker.cluster.producer();
    await producer.send(topic, { key: "gone", value: null });
    {
      await using strict = broker.cluster.consumer({ group: topic, topics: [topic] });
      await expect(take(strict, 1)).rejects.toThrow(/nullable/);
    }
    const value = nullable(bytes);
    await using lenient = broker.cluster.consumer({ group: topic, topics: [topic], value });
    expect((await take(lenient, 1))[0]).toMatchObject({ key: "gone", value: null });
  });
});

describe("the end", () => {
  test("close ends a loop that waits", async () => {
    const topic = await topicWith(1);
    const consumer = broker.cluster.consumer({ group: topic, topics: [topic] });
    const seen: string[] = [];
    const loop = (async () => {
      for await (const { value } of consumer) seen.push(value);
    })();
    await expect.poll(() => seen).toEqual(["0"]);
    await consumer.close();
    await loop;
    await using next = broker.cluster.consumer({ group: topic, topics: [topic] });
    await using producer = broker.cluster.producer();
    await producer.send(topic, { value: "later" });
    expect(valuesOf(await take(next, 1))).toEqual(["later"]);
  });

  test("close from within the loop does not wait for the loop", async () => {
    const topic = await topicWith(5);
    const consumer = broker.cluster.consumer({ group: topic, topics: [topic] });
    let count = 0;
    for await (const _message of consumer) {
      count++;
      await consumer.close();
    }
    expect(count).toBe(1);
  });

  test("an aborted signal lets the message in hand be done", async () => {
    const topic = await topicWith(5);
    const stop = new AbortController();
    const options = { group: topic, topics: [topic] };
    const seen: string[] = [];
    for await (const { value } of broker.cluster.consumer({ ...options, signal: stop.signal })) {
      seen.push(value);
      if (seen.length === 2) stop.abort();
    }
    expect(seen).toEqual(["0", "1"]);
    await using next = broker.cluster.consumer(options);
    expect(valuesOf(await take(next, 1))).toEqual(["2"]);
  });

  test("a consumer that never read closes", async () => {
    await broker.cluster.consumer({ group: "idle", topics: ["nope"] }).close();
  });

  test("a second loop on one consumer is refused", async () => {
    const topic = await topicWith(0);
    const consumer = broker.cluster.consumer({ group: topic, topics: [topic], value: string });
    const waiting = consumer[Symbol.asyncIterator]().next();
    await expect(consumer[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await consumer.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });
});
