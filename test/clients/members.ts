import { spawn } from "node:child_process";
import { join } from "node:path";
import {
  Consumer,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  stringDeserializers,
} from "@platformatic/kafka";
import { Kafka, logLevel } from "kafkajs";
import { Consumer as SdkConsumer } from "../../sdk/src/client/consumer.ts";
import { string } from "../../sdk/src/codecs.ts";
import type { ClientDriver, Received } from "./driver.ts";
import { kafkaJs, platformatic, sdk } from "./drivers/libraries.ts";
import {
  franzGo,
  javaConsole,
  kafkaPython,
  kcat,
  librdkafkaPython,
  sarama,
} from "./drivers/programs.ts";
import { clientsDirectory, sourceDirectory } from "./places.ts";

export type Source = { bootstrap: string; topic: string; group: string };
export type Member = { stop(): Promise<void> };

/** A client as one member of a group that reads until it is stopped. A rebalance may bring a record twice. */
export type MemberOf = {
  readonly driver: ClientDriver;
  start(source: Source, onReceived: (received: Received) => void): Promise<Member>;
};

/** More than any test writes: the programs read until they are stopped. */
const endless = "1000000000";

function program(driver: ClientDriver, command: (source: Source) => string[]): MemberOf {
  return {
    driver,
    start(source, onReceived) {
      const [name = "", ...args] = command(source);
      const child = spawn(name, args, { stdio: ["ignore", "pipe", "ignore"] });
      const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
      let rest = "";
      child.stdout.on("data", (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          // Kafka's console consumer names the numbers.
          const [partition, offset, key, ...value] = line
            .replace(/^Partition:(\d+)\tOffset:/, "$1\t")
            .split("\t");
          onReceived({
            partition: Number(partition),
            offset: Number(offset),
            key: key ?? "",
            value: value.join("\t"),
          });
        }
      });
      const stop = (): Promise<void> => {
        child.kill("SIGKILL");
        return ended;
      };
      return Promise.resolve({ stop });
    },
  };
}

const python = (driver: ClientDriver, file: string): MemberOf =>
  program(driver, ({ bootstrap, topic, group }) => [
    join(clientsDirectory, "python/bin/python"),
    join(sourceDirectory, "python", file),
    "consume",
    bootstrap,
    topic,
    group,
    endless,
  ]);

const go = (driver: ClientDriver, name: string): MemberOf =>
  program(driver, ({ bootstrap, topic, group }) => [
    join(clientsDirectory, "go", name),
    "consume",
    bootstrap,
    topic,
    group,
    endless,
  ]);

const kcatMember = program(kcat, ({ bootstrap, topic, group }) => [
  "kcat",
  "-b",
  bootstrap,
  "-u",
  "-q",
  "-f",
  "%p\t%o\t%k\t%s\n",
  "-X",
  "auto.offset.reset=earliest",
  "-G",
  group,
  topic,
]);

const javaMember = program(javaConsole, ({ bootstrap, topic, group }) => [
  "java",
  "-cp",
  `${join(clientsDirectory, "java")}/*`,
  `-Dlog4j2.configurationFile=${join(sourceDirectory, "java/log4j2.yaml")}`,
  "org.apache.kafka.tools.consumer.ConsoleConsumer",
  "--bootstrap-server",
  bootstrap,
  "--topic",
  topic,
  "--group",
  group,
  "--from-beginning",
  ...["print.partition=true", "print.offset=true", "print.key=true", "key.separator=\t"].flatMap(
    (shown) => ["--formatter-property", shown],
  ),
]);

const kafkaJsMember: MemberOf = {
  driver: kafkaJs,
  async start({ bootstrap, topic, group }, onReceived) {
    const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: group });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ partition, message }) => {
        const { offset, key, value } = message;
        onReceived({
          partition,
          offset: Number(offset),
          key: key?.toString() ?? "",
          value: value?.toString() ?? "",
        });
        return Promise.resolve();
      },
    });
    return { stop: () => consumer.disconnect() };
  },
};

const platformaticMember: MemberOf = {
  driver: platformatic,
  async start({ bootstrap, topic, group }, onReceived) {
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
    stream.on("data", ({ partition, offset, key, value }) => {
      onReceived({ partition, offset: Number(offset), key: key ?? "", value: value ?? "" });
    });
    return { stop: () => consumer.close(true) };
  },
};

const sdkMember: MemberOf = {
  driver: sdk,
  start({ bootstrap, topic, group }, onReceived) {
    const consumer = new SdkConsumer(bootstrap, { value: string, group, topics: [topic] });
    const reading = (async () => {
      for await (const { partition, offset, key, value } of consumer) {
        onReceived({ partition, offset, key: key ?? "", value });
      }
    })();
    const stop = async (): Promise<void> => {
      await consumer.close();
      await reading;
    };
    return Promise.resolve({ stop });
  },
};

export const members: readonly MemberOf[] = [
  sdkMember,
  kafkaJsMember,
  platformaticMember,
  kcatMember,
  python(librdkafkaPython, "librdkafka_client.py"),
  python(kafkaPython, "kafka_python_client.py"),
  go(franzGo, "franz"),
  go(sarama, "sarama"),
  javaMember,
];
