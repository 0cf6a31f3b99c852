import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { clientsDirectory, sourceDirectory } from "../../test/clients/places.ts";
import { benchDirectory, workDirectory } from "../harness/load-client.ts";
import type { ReaderOptions, WriterOptions } from "./clients/options.ts";

/** One client library as the soak starts it. Each command speaks the lines of clients/lines.ts. */
export type ClientProgram = {
  readonly title: string;
  /** Why it cannot run here, or null. */
  unavailable(): string | null;
  writer(options: WriterOptions): string[];
  reader(options: ReaderOptions): string[];
};

const directory = join(benchDirectory, "soak/clients");
const prepare = "run npm run test:clients:prepare";

function library(name: string, title: string): ClientProgram {
  const command = (verb: string, options: unknown): string[] => [
    process.execPath,
    join(directory, "main.ts"),
    verb,
    name,
    JSON.stringify(options),
  ];
  return {
    title,
    unavailable: () => null,
    writer: (options) => command("write", options),
    reader: (options) => command("read", options),
  };
}

function program(
  title: string,
  { command, unavailable }: { command: readonly string[]; unavailable: () => string | null },
): ClientProgram {
  return {
    title,
    unavailable,
    writer: ({ bootstrap, compression }) => [...command, "write", bootstrap, compression],
    reader: ({ bootstrap, group, topics }) => [
      ...command,
      "read",
      bootstrap,
      group,
      topics.join(","),
    ],
  };
}

const absent = (path: string, what: string) => (): string | null =>
  existsSync(path) ? null : `${what}: ${prepare}`;

const franz = join(workDirectory, "bin/soak-franz");

/** Built where there is a Go compiler; its modules come from the build cache or from Go's proxy. */
function unbuilt(): string | null {
  mkdirSync(join(workDirectory, "bin"), { recursive: true });
  const { status, error, stderr } = spawnSync("go", ["build", "-o", franz, "."], {
    cwd: join(directory, "franz"),
    encoding: "utf8",
    timeout: 180_000,
  });
  if (error !== undefined) return "no Go compiler here";
  return status === 0 ? null : `it does not build: ${stderr.trim()}`;
}

const jars = join(clientsDirectory, "java");
const logging = `-Dlog4j2.configurationFile=${join(sourceDirectory, "java/log4j2.yaml")}`;

export const programs = {
  sdk: library("sdk", "@myelin/sdk"),
  kafkajs: library("kafkajs", "KafkaJS"),
  platformatic: library("platformatic", "@platformatic/kafka"),
  librdkafka: program("confluent-kafka (Python, librdkafka)", {
    command: [join(clientsDirectory, "python/bin/python"), join(directory, "librdkafka.py")],
    unavailable: absent(join(clientsDirectory, "python/.ready"), "no Python environment"),
  }),
  franz: program("franz-go", { command: [franz], unavailable: unbuilt }),
  java: program("Kafka's Java client", {
    command: [
      "java",
      "-Xmx128m",
      "-XX:TieredStopAtLevel=1",
      "-cp",
      `${jars}/*`,
      logging,
      join(directory, "JavaClient.java"),
    ],
    unavailable: absent(join(jars, ".ready"), "no Kafka jars, or no Java"),
  }),
} as const satisfies Record<string, ClientProgram>;

export type ProgramName = keyof typeof programs;
