import { Consumer } from "../../../sdk/src/client/consumer.ts";
import { Producer } from "../../../sdk/src/client/producer.ts";
import { createReader } from "../../../sdk/src/client/reader.ts";
import { string } from "../../../sdk/src/codecs.ts";
import {
  acknowledged,
  batchesOfInput,
  committed,
  failed,
  givenUp,
  inputEnded,
  type Read,
  received,
} from "./lines.ts";
import type { ReaderOptions, WriterOptions } from "./options.ts";

export async function write({ bootstrap, compression }: WriterOptions): Promise<void> {
  await using producer = new Producer(bootstrap, { value: string, compression });
  for await (const lines of batchesOfInput(1_000)) {
    for (const line of lines)
      void producer
        .send(line.topic, { key: line.key, value: line.value })
        .then((sent) => acknowledged(line, sent))
        .catch((error: unknown) => givenUp(line, error));
  }
  await producer.flush();
}

export async function read(options: ReaderOptions): Promise<void> {
  const ended = inputEnded();
  const run = options.group === "" ? readAgain : readAsMember;
  await run(options, ended);
}

async function readAsMember(
  { bootstrap, topics, group, rate }: ReaderOptions,
  ended: Promise<void>,
): Promise<void> {
  let isOver = false;
  while (!isOver) {
    const consumer = new Consumer(bootstrap, { value: string, group, topics, commit: "manual" });
    void ended.then(async () => {
      isOver = true;
      await consumer.close();
    });
    try {
      for await (const batch of consumer.batches()) {
        const { topic, partition, messages } = batch;
        received(messages);
        await pace(messages.length, rate);
        await batch
          .commit()
          .then(() => committed(topic, partition, (messages.at(-1)?.offset ?? -1) + 1), failed);
      }
    } catch (error) {
      failed(error);
      await consumer.close().catch(failed);
    }
  }
}

/** Whole topics from the beginning to the end of now, and again. */
async function readAgain(
  { bootstrap, topics, rate }: ReaderOptions,
  ended: Promise<void>,
): Promise<void> {
  let isOver = false;
  let close = (): Promise<void> => Promise.resolve();
  void ended.then(() => {
    isOver = true;
    return close();
  });
  while (!isOver) {
    const reader = createReader(bootstrap, {
      topics,
      value: string,
      from: "beginning",
      untilEnd: true,
    });
    close = () => reader.close();
    let waiting: Read[] = [];
    try {
      for await (const message of reader) {
        waiting.push(message);
        if (waiting.length < 100) continue;
        received(waiting);
        waiting = [];
        await pace(100, rate);
      }
      received(waiting);
    } catch (error) {
      failed(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function pace(count: number, rate: number): Promise<void> {
  if (rate > 0) await new Promise((resolve) => setTimeout(resolve, (count / rate) * 1000));
}
