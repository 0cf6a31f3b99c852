import {
  Consumer,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import {
  acknowledged,
  batchesOfInput,
  committed,
  failed,
  givenUp,
  inputEnded,
  type Line,
  received,
} from "./lines.ts";
import type { ReaderOptions, WriterOptions } from "./options.ts";
import { sayWhereItStands, type Standing } from "./standing.ts";

/** Not idempotent, tries nothing twice: one of the writers shall be so. Each send goes to one partition, so that its answer says where every record stands. */
export async function write({ bootstrap, compression }: WriterOptions): Promise<void> {
  const producer = new Producer({
    clientId: "soak",
    bootstrapBrokers: bootstrap.split(","),
    serializers: stringSerializers,
    retries: 0,
  });
  const partitionCounts = new Map<string, number>();
  let turn = 0;
  for await (const lines of batchesOfInput(100)) {
    for (const [topic, ofTopic] of Map.groupBy(lines, (line) => line.topic)) {
      try {
        const count =
          partitionCounts.get(topic) ??
          (await producer.metadata({ topics: [topic] })).topics.get(topic)?.partitionsCount ??
          1;
        partitionCounts.set(topic, count);
        await send(producer, ofTopic, { partition: turn++ % count, compression });
      } catch (error) {
        for (const line of ofTopic) givenUp(line, error);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }
  await producer.close(true);
}

async function send(
  producer: Producer<string, string, string, string>,
  lines: readonly Line[],
  { partition, compression }: { partition: number; compression: WriterOptions["compression"] },
): Promise<void> {
  const messages = lines.map(({ topic, key, value }) => ({
    topic,
    partition,
    value,
    ...(key === null ? {} : { key }),
  }));
  const { offsets } = await producer.send({ messages, acks: -1, compression });
  const base = offsets?.[0];
  if (base === undefined) throw new Error("acknowledged without an offset");
  for (const [index, line] of lines.entries())
    acknowledged(line, { partition: base.partition, offset: Number(base.offset) + index });
}

const commitEveryMs = 500;

export async function read({ bootstrap, topics, group }: ReaderOptions): Promise<void> {
  let isOver = false;
  let close = (): Promise<void> => Promise.resolve();
  void inputEnded().then(() => {
    isOver = true;
    return close().catch(failed);
  });
  while (!isOver) {
    const consumer = new Consumer({
      clientId: "soak",
      groupId: group,
      bootstrapBrokers: bootstrap.split(","),
      deserializers: stringDeserializers,
    });
    const standing = sayWhereItStands(consumer);
    close = () => consumer.close(true);
    try {
      await readUntilItFails(consumer, { topics, standing });
    } catch (error) {
      if (!isOver) failed(error);
      standing.at("closing");
      await consumer.close(true).catch(failed);
      standing.stop();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function readUntilItFails(
  consumer: Consumer<string, string, string, string>,
  { topics, standing }: { topics: readonly string[]; standing: Standing },
): Promise<void> {
  standing.at("joining");
  const stream = await consumer.consume({
    topics: [...topics],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    autocommit: false,
    maxWaitTime: 500,
  });
  standing.at("reading");
  const done = new Map<string, Uncommitted>();
  let isCommitting = false;
  const timer = setInterval(() => {
    if (isCommitting || done.size === 0) return;
    isCommitting = true;
    const uncommitted = [...done.values()];
    done.clear();
    standing.commitsSince(performance.now());
    void commitAll(uncommitted)
      // It joins anew and goes on from what is committed: what is not would be so with the partition's next record only, and after the last never.
      .catch((error: Error) => stream.destroy(error))
      .finally(() => {
        isCommitting = false;
        standing.commitsSince(null);
      });
  }, commitEveryMs);
  try {
    for await (const message of stream) {
      const { topic, partition, offset, value } = message;
      received([{ topic, partition, offset: Number(offset), value }]);
      standing.at("reading");
      done.set(`${topic}:${partition}`, message);
    }
  } finally {
    clearInterval(timer);
  }
}

type Uncommitted = { topic: string; partition: number; offset: bigint; commit(): unknown };

async function commitAll(messages: readonly Uncommitted[]): Promise<void> {
  for (const message of messages) {
    await message.commit();
    committed(message.topic, message.partition, Number(message.offset) + 1);
  }
}
