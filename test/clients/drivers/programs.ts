import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ClientDriver } from "../driver.ts";
import { allCodecs } from "../driver.ts";
import { clientsDirectory, sourceDirectory } from "../places.ts";
import { asInput, parseReceived, run } from "./child-process.ts";

/** A program of test/clients that knows `produce BOOTSTRAP TOPIC CODEC` and `consume BOOTSTRAP TOPIC GROUP COUNT`. */
function program(
  name: string,
  command: string,
  prefix: readonly string[],
  ready: string,
): ClientDriver {
  return {
    name,
    codecs: allCodecs,
    unavailable: () =>
      existsSync(ready) ? null : `${ready} is absent: run npm run test:clients:prepare`,
    async produce({ bootstrap, topic, codec }, lines) {
      await run(command, [...prefix, "produce", bootstrap, topic, codec], asInput(lines));
    },
    async consume({ bootstrap, topic, group }, count) {
      return parseReceived(
        await run(command, [...prefix, "consume", bootstrap, topic, group, String(count)]),
      );
    },
  };
}

const python = join(clientsDirectory, "python/bin/python");
const pythonReady = join(clientsDirectory, "python/.ready");
const goReady = join(clientsDirectory, "go/.ready");
const pythonProgram = (file: string): string[] => [join(sourceDirectory, "python", file)];

export const librdkafkaPython = program(
  "confluent-kafka (Python, librdkafka)",
  python,
  pythonProgram("librdkafka_client.py"),
  pythonReady,
);
export const kafkaPython = program(
  "kafka-python",
  python,
  pythonProgram("kafka_python_client.py"),
  pythonReady,
);
export const franzGo = program("franz-go", join(clientsDirectory, "go/franz"), [], goReady);
export const sarama = program("Sarama", join(clientsDirectory, "go/sarama"), [], goReady);

export const kcat: ClientDriver = {
  name: "kcat",
  codecs: allCodecs,
  unavailable: () =>
    spawnSync("kcat", ["-V"]).status === 0
      ? null
      : "kcat is not installed (Debian: apt-get install kcat)",
  async produce({ bootstrap, topic, codec }, lines) {
    await run(
      "kcat",
      ["-P", "-b", bootstrap, "-t", topic, "-K", "\t", "-z", codec, "-X", "acks=all"],
      asInput(lines),
    );
  },
  async consume({ bootstrap, topic, group }, count) {
    const format = ["-f", "%p\t%o\t%k\t%s\n"];
    const settings = ["-X", "auto.offset.reset=earliest", "-c", String(count), "-q"];
    return parseReceived(
      await run("kcat", ["-b", bootstrap, ...format, ...settings, "-G", group, topic]),
    );
  },
};

export function javaTool(tool: string, args: readonly string[], input = ""): Promise<string> {
  const options = [
    "-cp",
    `${join(clientsDirectory, "java")}/*`,
    `-Dlog4j2.configurationFile=${join(sourceDirectory, "java/log4j2.yaml")}`,
  ];
  return run("java", [...options, tool, ...args], input);
}

export const javaConsole: ClientDriver = {
  name: "Kafka's Java console tools",
  codecs: allCodecs,
  unavailable: () =>
    existsSync(join(clientsDirectory, "java/.ready"))
      ? null
      : "no Kafka jars: run npm run test:clients:prepare where there is Java and Maven",
  async produce({ bootstrap, topic, codec }, lines) {
    const properties = [
      "--reader-property",
      "parse.key=true",
      "--reader-property",
      "key.separator=\t",
    ];
    await javaTool(
      "org.apache.kafka.tools.ConsoleProducer",
      [
        "--bootstrap-server",
        bootstrap,
        "--topic",
        topic,
        "--compression-codec",
        codec,
        ...properties,
      ],
      asInput(lines),
    );
  },
  async consume({ bootstrap, topic, group }, count) {
    const shown = [
      "print.partition=true",
      "print.offset=true",
      "print.key=true",
      "key.separator=\t",
    ];
    const output = await javaTool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
      "--bootstrap-server",
      bootstrap,
      "--topic",
      topic,
      "--group",
      group,
      "--from-beginning",
      "--max-messages",
      String(count),
      "--timeout-ms",
      "60000",
      ...shown.flatMap((each) => ["--formatter-property", each]),
    ]);
    return parseReceived(output.replaceAll(/^Partition:(\d+)\tOffset:(\d+)\t/gm, "$1\t$2\t"));
  },
};
