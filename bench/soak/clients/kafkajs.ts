import type { Admin, EachBatchPayload, Producer } from "kafkajs";
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

const patient = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 60 };
/**
 * A request that is not answered (30 s by default) does not make it ask who leads now, and the connection stays: for as long as the host of a leader is cut
 * off it asks there again and again, unless what it knows grows old (5 min by default).
 */
const requestTimeout = 10_000;
const metadataMaxAge = 5_000;

/**
 * Not idempotent: KafkaJS's idempotence, which it calls experimental, deals a failed request's messages out to partitions anew and sends them under the
 * sequence numbers of the old ones (sendMessages.js groups within the retry). A broker rightly takes that for a batch it has, and answers with where that
 * one stands: the messages are acknowledged and nowhere. For the same reason each send is for one partition, which is named: of a send to several brokers
 * of which one fails, those messages whose new leader has answered already are not sent again, and acknowledged all the same. It has no other codec than
 * gzip by itself.
 */
export async function write({ bootstrap, compression }: WriterOptions): Promise<void> {
  const brokers = bootstrap.split(",");
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: patient, requestTimeout });
  const producer = kafka.producer({
    metadataMaxAge,
    retry: patient,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  const admin = kafka.admin();
  await Promise.all([producer.connect(), admin.connect()]);
  const partitionCounts = new Map<string, number>();
  let turn = 0;
  for await (const lines of batchesOfInput(200)) {
    for (const [topic, ofTopic] of Map.groupBy(lines, (line) => line.topic)) {
      try {
        const count = partitionCounts.get(topic) ?? (await partitionCountOf(admin, topic));
        partitionCounts.set(topic, count);
        await send(producer, ofTopic, { topic, partition: turn++ % count, compression });
      } catch (error) {
        for (const line of ofTopic) givenUp(line, error);
      }
    }
  }
  await Promise.all([producer.disconnect(), admin.disconnect()]);
}

async function partitionCountOf(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 1;
}

type Destination = {
  topic: string;
  partition: number;
  compression: WriterOptions["compression"];
};

async function send(
  producer: Producer,
  lines: readonly Line[],
  { topic, partition, compression }: Destination,
): Promise<void> {
  const placed = await producer.send({
    topic,
    messages: lines.map(({ key, value }) => ({ key, value, partition })),
    acks: -1,
    compression: compression === "gzip" ? CompressionTypes.GZIP : CompressionTypes.None,
  });
  const baseOffset = placed.find((each) => each.partition === partition)?.baseOffset;
  const base = Number(baseOffset ?? -1);
  for (const [index, line] of lines.entries())
    acknowledged(line, { partition, offset: base < 0 ? -1 : base + index });
}

export async function read({ bootstrap, topics, group }: ReaderOptions): Promise<void> {
  const kafka = new Kafka({
    brokers: bootstrap.split(","),
    logLevel: logLevel.NOTHING,
    retry: patient,
  });
  const consumer = kafka.consumer({
    metadataMaxAge,
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
  const next = Number(last.offset) + 1;
  await payload.commitOffsetsIfNecessary({
    topics: [{ topic, partitions: [{ partition, offset: String(next) }] }],
  });
  // Not before: where the broker dies under a commit KafkaJS goes on from what is resolved (runner.js) and commits that with the next record it gets, so
  // that after the last one it never does.
  payload.resolveOffset(last.offset);
  committed(topic, partition, next);
  await payload.heartbeat();
}
