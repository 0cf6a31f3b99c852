import type { EachBatchPayload, Message } from "kafkajs";
import { CompressionTypes, Kafka, logLevel, Partitioners } from "kafkajs";
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

const patient = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 30 };

/**
 * Not idempotent: KafkaJS's idempotence, which it calls experimental, deals a failed request's messages out to partitions anew and sends them under the
 * sequence numbers of the old ones (sendMessages.js groups within the retry). A broker rightly takes that for a batch it has, and answers with where that
 * one stands: the messages are acknowledged and nowhere. It has no other codec than gzip by itself.
 */
export async function write({ bootstrap, compression }: WriterOptions): Promise<void> {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: patient });
  // The answer names partitions and base offsets; which record went where only the partitioner knows.
  const chosen = new Map<Message, number>();
  const producer = kafka.producer({
    retry: patient,
    createPartitioner: () => {
      const choose = Partitioners.DefaultPartitioner();
      return (args) => {
        const partition = choose(args);
        chosen.set(args.message, partition);
        return partition;
      };
    },
  });
  await producer.connect();
  for await (const lines of batchesOfInput(200)) {
    for (const [topic, ofTopic] of Map.groupBy(lines, (line) => line.topic)) {
      const messages = ofTopic.map(({ key, value }) => ({ key, value }));
      try {
        const placed = await producer.send({
          topic,
          messages,
          acks: -1,
          compression: compression === "gzip" ? CompressionTypes.GZIP : CompressionTypes.None,
        });
        const next = new Map(placed.map((each) => [each.partition, Number(each.baseOffset ?? -1)]));
        tell(
          ofTopic,
          messages.map((message) => chosen.get(message) ?? 0),
          next,
        );
      } catch (error) {
        for (const line of ofTopic) givenUp(line, error);
      }
      chosen.clear();
    }
  }
  await producer.disconnect();
}

function tell(
  lines: readonly Line[],
  partitions: readonly number[],
  next: Map<number, number>,
): void {
  for (const [index, line] of lines.entries()) {
    const partition = partitions[index] ?? 0;
    const offset = next.get(partition) ?? -1;
    acknowledged(line, { partition, offset });
    if (offset >= 0) next.set(partition, offset + 1);
  }
}

export async function read({ bootstrap, topics, group }: ReaderOptions): Promise<void> {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: patient });
  const consumer = kafka.consumer({
    groupId: group,
    maxWaitTimeInMs: 500,
    retry: { ...patient, restartOnFailure: () => Promise.resolve(true) },
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await consumer.run({
    autoCommit: true,
    autoCommitInterval: 3_600_000,
    eachBatchAutoResolve: false,
    eachBatch: readBatch,
  });
  await inputEnded();
  await consumer.disconnect();
}

async function readBatch(payload: EachBatchPayload): Promise<void> {
  const { topic, partition, messages } = payload.batch;
  const last = messages.at(-1);
  if (last === undefined || payload.isStale()) return;
  received(
    messages.map(({ offset, value }) => ({ topic, partition, offset: Number(offset), value })),
  );
  payload.resolveOffset(last.offset);
  const next = Number(last.offset) + 1;
  await payload.commitOffsetsIfNecessary({
    topics: [{ topic, partitions: [{ partition, offset: String(next) }] }],
  });
  committed(topic, partition, next);
  await payload.heartbeat();
}
