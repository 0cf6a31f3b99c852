import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../../broker/log-output.ts";
import { createTopic } from "../../../metadata/commands/create-topics.ts";
import { readResponse } from "../../../protocol/api-frame.ts";
import { fetchRequest, fetchResponse } from "../../../protocol/messages/fetch.ts";
import { DecodeError } from "../../../protocol/schema/decode-error.ts";
import { produceOne } from "../../support/kafka-calls.ts";
import type { LiveBroker } from "../../support/live-broker.ts";
import { startLiveBroker } from "../../support/live-broker.ts";
import { heldBytes } from "../../support/memory-use.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { batchOf, recordsIn } from "../../support/records.ts";

// What consumers that stop reading leave pending is many times what the broker keeps in memory: it stays positions in the log, and is read when there is
// room for it on their sockets.

const mib = 1024 * 1024;
const topic = "stream";
const batchBytes = mib / 2;
/** What consumers ask for, and what is written after they have stopped reading: by then the ring holds nothing of the former. */
const batchCount = 96;
const laterCount = 48;
const consumerCount = 4;

let live: LiveBroker;

beforeAll(async () => {
  live = await startLiveBroker({
    log: silentLog,
    config: {
      log: { ringBytes: 8 * mib, chunkBytes: mib, fileBytes: 16 * mib, poolFiles: 1 },
      // Nothing goes to the object store meanwhile: that is memory of this process as well.
      tiering: { checkMs: 3_600_000 },
    },
  });
  await live.metadata.submit((image, context) =>
    createTopic(
      image,
      { clusterId: live.clusterId, topic: { name: topic, partitionCount: 1 } },
      context,
    ),
  );
});
afterAll(() => live.close());

const digests: string[] = [];

function valueOf(index: number): string {
  const line = `record ${index} `;
  return line.repeat(Math.ceil(batchBytes / line.length)).slice(0, batchBytes);
}

const digestOf = (value: string | null) =>
  createHash("sha256")
    .update(value ?? "")
    .digest("hex");

async function produce(client: RawClient, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const value = valueOf(digests.length);
    const records = batchOf([value], { timestamp: Date.now() });
    expect((await produceOne(client, { topic, records })).errorCode).toBe(0);
    digests.push(digestOf(value));
  }
}

/** Asks for everything from the beginning, eight batches at a time, without waiting for an answer. */
function askForAll(client: RawClient): number {
  let asked = 0;
  for (let offset = 0; offset < batchCount; offset += 8) {
    client.send(fetchRequest, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [
        {
          topic,
          partitions: [
            { partition: 0, fetchOffset: offset, partitionMaxBytes: 8 * batchBytes + 4_096 },
          ],
        },
      ],
      forgottenTopicsData: [],
    });
    asked++;
  }
  return asked;
}

async function readAnswer(client: RawClient) {
  const frame = await client.nextFrame();
  if (frame === null) throw new Error("the connection was closed");
  const answer = readResponse(fetchResponse, 12, frame);
  if (answer instanceof DecodeError) throw answer;
  const partition = answer.body.responses[0]?.partitions[0];
  expect(partition?.errorCode).toBe(0);
  return recordsIn(partition?.records ?? null);
}

async function pauseMs(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

test("consumers that stop reading cost the broker no memory, and get every byte when they go on", async () => {
  const producer = await live.connect();
  await produce(producer, batchCount);
  const consumers = await Promise.all(Array.from({ length: consumerCount }, () => live.connect()));
  const before = await heldBytes();

  let answerCount = 0;
  for (const consumer of consumers) {
    consumer.pause();
    answerCount = askForAll(consumer);
  }
  // The sockets fill; then the ring turns over several times.
  await pauseMs(200);
  await produce(producer, laterCount);
  const pendingBytes = consumerCount * batchCount * batchBytes;
  expect(pendingBytes).toBeGreaterThan(150 * mib);
  // What is collected is given back by other threads: on a busy machine it takes a while until that shows.
  await expect
    .poll(async () => (await heldBytes()) - before, { timeout: 15_000, interval: 200 })
    .toBeLessThan(24 * mib);

  for (const consumer of consumers) {
    consumer.resume();
    const seen: string[] = [];
    for (let count = 0; count < answerCount; count++) {
      for (const { offset, value } of await readAnswer(consumer)) {
        expect(offset).toBe(seen.length);
        seen.push(digestOf(value));
      }
    }
    expect(seen).toEqual(digests.slice(0, batchCount));
    await consumer.close();
  }
  await producer.close();
});

test("a consumer that leaves with all of it pending leaves nothing pinned", async () => {
  const consumer = await live.connect();
  consumer.pause();
  askForAll(consumer);
  await pauseMs(100);
  await consumer.close();
  await expect
    .poll(() => live.broker.services.store.statistics().pinnedChunks, { timeout: 5_000 })
    .toBe(0);
});
