import {
  Consumer,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import { CompressionTypes, Kafka, logLevel } from "kafkajs";
import { Consumer as SdkConsumer } from "../../../sdk/src/client/consumer.ts";
import { Producer as SdkProducer } from "../../../sdk/src/client/producer.ts";
import { string } from "../../../sdk/src/codecs.ts";
import type { ClientDriver, Received } from "../driver.ts";
import { allCodecs } from "../driver.ts";

/** KafkaJS brings gzip; the other codecs are plug-ins of its users' choice and are covered by the other clients. */
const kafkaJsCodecs = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP } as const;

export const kafkaJs: ClientDriver = {
  name: "KafkaJS",
  codecs: ["none", "gzip"],
  unavailable: () => null,
  async produce({ bootstrap, topic, codec }, lines) {
    const producer = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).producer({
      idempotent: true,
    });
    await producer.connect();
    const compression = kafkaJsCodecs[codec as keyof typeof kafkaJsCodecs];
    for (let at = 0; at < lines.length; at += 500) {
      await producer.send({ topic, compression, acks: -1, messages: lines.slice(at, at + 500) });
    }
    await producer.disconnect();
  },
  async consume({ bootstrap, topic, group }, count) {
    const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: group });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const received: Received[] = [];
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer
        .run({
          eachMessage: async ({ partition, message }) => {
            received.push({
              partition,
              offset: Number(message.offset),
              key: message.key?.toString() ?? "",
              value: message.value?.toString() ?? "",
            });
            if (received.length === count) resolve();
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    return received;
  },
};

export const platformatic: ClientDriver = {
  name: "@platformatic/kafka",
  codecs: allCodecs,
  unavailable: () => null,
  async produce({ bootstrap, topic, codec }, lines) {
    const producer = new Producer({
      clientId: "test",
      bootstrapBrokers: [bootstrap],
      serializers: stringSerializers,
      idempotent: true,
    });
    for (let at = 0; at < lines.length; at += 500) {
      const messages = lines.slice(at, at + 500).map(({ key, value }) => ({ topic, key, value }));
      await producer.send({ messages, acks: -1, compression: codec });
    }
    await producer.close();
  },
  async consume({ bootstrap, topic, group }, count) {
    const consumer = new Consumer({
      clientId: "test",
      groupId: group,
      bootstrapBrokers: [bootstrap],
      deserializers: stringDeserializers,
    });
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      autocommit: false,
      maxWaitTime: 200,
    });
    const received: Received[] = [];
    for await (const message of stream) {
      received.push({
        partition: message.partition,
        offset: Number(message.offset),
        key: message.key ?? "",
        value: message.value ?? "",
      });
      if (received.length === count) {
        await message.commit();
        break;
      }
    }
    await consumer.close(true);
    return received;
  },
};

/** Ours, by address alone: what it adds to the library below is covered by its own tests. */
export const sdk: ClientDriver = {
  name: "@myelin/sdk",
  codecs: allCodecs,
  unavailable: () => null,
  async produce({ bootstrap, topic, codec }, lines) {
    await using producer = new SdkProducer(bootstrap, { value: string, compression: codec });
    await producer.sendBatch(topic, lines);
  },
  async consume({ bootstrap, topic, group }, count) {
    await using consumer = new SdkConsumer(bootstrap, { value: string, group, topics: [topic] });
    const received: Received[] = [];
    for await (const { partition, offset, key, value } of consumer) {
      received.push({ partition, offset, key: key?.toString() ?? "", value: value ?? "" });
      if (received.length === count) break;
    }
    return received;
  },
};
