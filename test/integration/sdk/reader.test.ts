import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ReaderOptions } from "../../../sdk/src/client/reader.ts";
import type { TestBroker } from "../../../sdk/src/testing.ts";
import { createTestBroker } from "../../../sdk/src/testing.ts";

let broker: TestBroker;
const hourMs = 3_600_000;
let startedMs = 0;

beforeAll(async () => {
  broker = await createTestBroker();
  await broker.topics.create("hours", { partitions: 2 });
  await broker.topics.create("empty", { partitions: 3 });
  await using producer = broker.cluster.producer();
  // Ten hours in each partition, one message an hour, the last an hour ago.
  startedMs = Date.now() - 10 * hourMs;
  for (const partition of [0, 1]) {
    await producer.sendBatch(
      "hours",
      Array.from({ length: 10 }, (_, hour) => ({
        value: `${partition}-${hour}`,
        partition,
        timestamp: new Date(startedMs + hour * hourMs),
      })),
    );
  }
});
afterAll(() => broker.close());

async function read(options: Partial<ReaderOptions<string>>): Promise<string[]> {
  const values: string[] = [];
  const reader = broker.cluster.reader({ topics: ["hours"], untilEnd: true, ...options });
  for await (const { value } of reader) values.push(value);
  return values.sort();
}

const hours = (partition: number, from: number, to = 10): string[] =>
  Array.from({ length: to - from }, (_, index) => `${partition}-${from + index}`);

describe("a reader starts", () => {
  test("at the beginning", async () => {
    expect(await read({ from: "beginning" })).toEqual([...hours(0, 0), ...hours(1, 0)]);
  });

  test("at the end, where there is nothing until it comes", async () => {
    expect(await read({ from: "end" })).toEqual([]);
  });

  test("at an offset of each partition", async () => {
    expect(await read({ from: 7 })).toEqual([...hours(0, 7), ...hours(1, 7)]);
  });

  test("so many before the end", async () => {
    expect(await read({ from: -2 })).toEqual([...hours(0, 8), ...hours(1, 8)]);
  });

  test("at a time", async () => {
    const from = new Date(startedMs + 4 * hourMs);
    expect(await read({ from })).toEqual([...hours(0, 4), ...hours(1, 4)]);
  });

  test("some time ago", async () => {
    expect(await read({ from: { ago: "2h30m" } })).toEqual([...hours(0, 8), ...hours(1, 8)]);
  });

  test("at the end where the time is yet to come, or the offset past the end", async () => {
    expect(await read({ from: new Date(Date.now() + hourMs) })).toEqual([]);
    expect(await read({ from: 1_000 })).toEqual([]);
  });

  test("only in the partitions it was told", async () => {
    expect(await read({ from: "beginning", partitions: [1] })).toEqual(hours(1, 0));
  });
});

describe("a reader ends", () => {
  test("after so many messages", async () => {
    expect(await read({ from: "beginning", partitions: [0], count: 3 })).toEqual(hours(0, 0, 3));
  });

  test("at once where there is nothing to read", async () => {
    expect(await read({ topics: ["empty"], from: "beginning" })).toEqual([]);
  });

  test("at what was the end when it started", async () => {
    await broker.topics.create("growing");
    await using producer = broker.cluster.producer();
    await producer.sendBatch("growing", ["a", "b"]);
    const values: string[] = [];
    const options = { topics: ["growing"], from: "beginning" as const, untilEnd: true };
    for await (const { value } of broker.cluster.reader(options)) {
      values.push(value);
      await producer.send("growing", { value: "late" });
    }
    expect(values).toEqual(["a", "b"]);
  });

  // 0 ms: it is still connecting; 300 ms: it waits for records.
  test.each([0, 300])("when it is closed after %i ms of waiting", async (waitMs) => {
    const reader = broker.cluster.reader({ topics: ["hours"], from: "end" });
    const waiting = reader[Symbol.asyncIterator]().next();
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    await reader.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test("when its signal is aborted", async () => {
    const stop = new AbortController();
    const values: string[] = [];
    const options = { topics: ["hours"], from: "beginning" as const, signal: stop.signal };
    for await (const { value } of broker.cluster.reader(options)) {
      values.push(value);
      if (values.length === 3) stop.abort();
    }
    expect(values).toHaveLength(3);
  });
});

test("what is produced while it waits arrives", async () => {
  await broker.topics.create("live");
  await using reader = broker.cluster.reader({ topics: ["live"], from: "beginning" });
  const waiting = reader[Symbol.asyncIterator]().next();
  await using producer = broker.cluster.producer();
  await producer.send("live", { value: "now" });
  expect((await waiting).value).toMatchObject({ value: "now", offset: 0 });
});

test("partitions take turns, however long one is", async () => {
  await broker.topics.create("uneven", { partitions: 2 });
  await using producer = broker.cluster.producer({ compression: "none" });
  const filler = "x".repeat(1_000);
  await producer.sendBatch(
    "uneven",
    Array.from({ length: 6_000 }, () => ({ value: filler, partition: 0 })),
  );
  await producer.send("uneven", { value: "short", partition: 1 });
  let before = 0;
  for await (const { partition } of broker.cluster.reader({
    topics: ["uneven"],
    from: "beginning",
    untilEnd: true,
  })) {
    if (partition === 1) break;
    before++;
  }
  expect(before).toBeLessThan(5_000);
});

test("a topic that is not there is an error that says so", async () => {
  await expect(read({ topics: ["nope"] })).rejects.toMatchObject({
    code: "UNKNOWN_TOPIC_OR_PARTITION",
  });
});

test("a reader goes on across a leader that moves", async () => {
  broker.fail({ api: "Fetch", error: "NOT_LEADER_OR_FOLLOWER", times: 2 });
  expect(await read({ from: "beginning", partitions: [0] })).toEqual(hours(0, 0));
  expect(broker.faultsLeft).toBe(0);
});
