import { afterAll, expect, test, vi } from "vitest";
import { Producer, stringSerializers } from "@platformatic/kafka";
import { Kafka, logLevel } from "kafkajs";
import { Myelin } from "../../../sdk/src/myelin.ts";
import type { MyelinProcess } from "../../support/myelin-process.ts";
import { startMyelin } from "../../support/myelin-process.ts";
import { freePorts } from "../../support/free-ports.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const topic = "ledger";
const partitions = 4;
const rounds = Number(process.env["CRASH_ROUNDS"] ?? 4);

const directory = temporaryDirectory();
let running: MyelinProcess | null = null;

afterAll(async () => {
  await running?.stop("SIGKILL");
  directory[Symbol.dispose]();
});

type Acknowledged = { id: string; partition: number; offset: number };

/** Writes numbered records, without trying anything twice, until the broker is gone, and notes what was acknowledged. */
async function writeUntilKilled(
  bootstrap: string,
  round: number,
  acknowledged: Acknowledged[],
): Promise<void> {
  const writer = async (name: number): Promise<void> => {
    const producer = new Producer({
      clientId: "crash",
      bootstrapBrokers: [bootstrap],
      serializers: stringSerializers,
      retries: 0,
    });
    try {
      for (let count = 0; ; count++) {
        const id = `${round}-${name}-${count}`;
        const messages = [{ topic, key: `${name}`, value: id, partition: name % partitions }];
        const { offsets } = await producer.send({ messages, acks: -1 });
        const place = offsets?.[0];
        if (place === undefined) throw new Error("acknowledged without an offset");
        acknowledged.push({ id, partition: place.partition, offset: Number(place.offset) });
      }
    } finally {
      await producer.close(true);
    }
  };
  await Promise.allSettled(Array.from({ length: 8 }, (_, name) => writer(name)));
}

async function readAll(bootstrap: string, atLeast: number): Promise<Map<string, string>> {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const total = ends.reduce((sum, { offset }) => sum + Number(offset), 0);
  expect(total).toBeGreaterThanOrEqual(atLeast);
  const consumer = kafka.consumer({ groupId: `check-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const found = new Map<string, string>();
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer
      .run({
        eachMessage: ({ partition, message }) => {
          const place = `${partition}:${message.offset}`;
          expect(found.has(place)).toBe(false);
          found.set(place, message.value?.toString() ?? "");
          if (found.size === total) resolve();
          return Promise.resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return found;
}

test(
  "whatever was acknowledged is there, at its offset, after kill -9 at random moments under load",
  { timeout: 180_000 },
  async () => {
    const [port, httpPort] = await freePorts(2);
    const acknowledged: Acknowledged[] = [];
    for (let round = 0; round < rounds; round++) {
      running = await startMyelin({
        data: directory.path,
        ...(port && httpPort ? { port, httpPort } : {}),
      });
      const cluster = await new Myelin({ url: running.url }).clusters.get("dev");
      if (round === 0) await cluster.topics.create({ name: topic, partitions });
      const part: Acknowledged[] = [];
      const written = writeUntilKilled(running.bootstrap, round, part);
      // On a busy machine the first of them can be there later than all that a round is to take.
      await vi.waitUntil(() => part.length > 0, { timeout: 30_000, interval: 20 });
      const waitMs = Math.random() * 1_500;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await running.stop("SIGKILL");
      await written;
      console.log(
        `round ${round}: killed after ${waitMs.toFixed(0)} ms, ${part.length} records acknowledged`,
      );
      acknowledged.push(...part);
    }
    running = await startMyelin({
      data: directory.path,
      ...(port && httpPort ? { port, httpPort } : {}),
    });
    const found = await readAll(running.bootstrap, acknowledged.length);
    const lost = acknowledged.filter(
      ({ id, partition, offset }) => found.get(`${partition}:${offset}`) !== id,
    );
    expect(lost).toEqual([]);
    expect(await running.stop()).toBe(0);
    running = null;
  },
);
