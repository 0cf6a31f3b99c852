import { Producer, stringSerializers } from "@platformatic/kafka";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kafkaJs } from "./drivers/libraries.ts";
import { kcat } from "./drivers/programs.ts";
import { run } from "./drivers/child-process.ts";
import type { MyelinProcess } from "../support/myelin-process.ts";
import { startMyelin } from "../support/myelin-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** Kafka's default max.message.bytes: of the batch, its header of 61 bytes and the record's own framing included. */
const maxMessageBytes = 1048588;

const directory = temporaryDirectory();
let myelin: MyelinProcess;

beforeAll(async () => {
  myelin = await startMyelin({ data: directory.path });
});

afterAll(async () => {
  expect(await myelin.stop()).toBe(0);
  directory[Symbol.dispose]();
});

test("KafkaJS writes a record as large as allowed, and hears of one that is larger by Kafka's error", async () => {
  const producer = new Kafka({
    brokers: [myelin.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  }).producer();
  await producer.connect();
  const send = (sizeBytes: number) =>
    producer.send({ topic: "large-js", messages: [{ key: "k", value: "x".repeat(sizeBytes) }] });
  await send(maxMessageBytes - 90);
  await expect(send(maxMessageBytes)).rejects.toMatchObject({ type: "MESSAGE_TOO_LARGE" });
  await producer.disconnect();
  const received = await kafkaJs.consume(
    { bootstrap: myelin.bootstrap, topic: "large-js", group: "readers" },
    1,
  );
  expect(received[0]?.value).toHaveLength(maxMessageBytes - 90);
});

test("@platformatic/kafka hears of a record that is too large", async () => {
  const producer = new Producer({
    clientId: "test",
    bootstrapBrokers: [myelin.bootstrap],
    serializers: stringSerializers,
    autocreateTopics: true,
    retries: 0,
  });
  const messages = [{ topic: "large-platformatic", key: "k", value: "x".repeat(maxMessageBytes) }];
  await expect(producer.send({ messages, acks: -1 })).rejects.toThrow();
  await producer.close();
});

const noKcat = kcat.unavailable();
if (noKcat !== null) console.log(`skipped: kcat with large records: ${noKcat}`);

test.skipIf(noKcat !== null)("kcat carries 900 kB through every codec", async () => {
  const value = "0123456789".repeat(90_000);
  for (const codec of kcat.codecs) {
    await kcat.produce({ bootstrap: myelin.bootstrap, topic: "large-kcat", codec }, [
      { key: codec, value },
    ]);
  }
  const received = await kcat.consume(
    { bootstrap: myelin.bootstrap, topic: "large-kcat", group: "readers" },
    kcat.codecs.length,
  );
  expect(received.map(({ key }) => key).sort()).toEqual([...kcat.codecs].sort());
  expect(received.every((each) => each.value === value)).toBe(true);
});

test.skipIf(noKcat !== null)("kcat hears of a record that is too large", async () => {
  const input = `${"x".repeat(maxMessageBytes)}\n`;
  const args = [
    "-P",
    "-b",
    myelin.bootstrap,
    "-t",
    "large-kcat",
    "-X",
    "message.max.bytes=4000000",
  ];
  await expect(run("kcat", args, input)).rejects.toThrow(/Message size too large|too large/i);
});
