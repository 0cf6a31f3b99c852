import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MyelinProcess } from "../support/myelin-process.ts";
import { startMyelin } from "../support/myelin-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { ClientDriver, Codec, Line, Received } from "./driver.ts";
import { kafkaJs, platformatic, sdk } from "./drivers/libraries.ts";
import {
  franzGo,
  javaConsole,
  kafkaPython,
  kcat,
  librdkafkaPython,
  sarama,
} from "./drivers/programs.ts";

const drivers: ClientDriver[] = [
  sdk,
  kafkaJs,
  platformatic,
  kcat,
  librdkafkaPython,
  kafkaPython,
  franzGo,
  sarama,
  javaConsole,
];

/** KafkaJS comes without snappy, lz4 and zstd, so it reads a topic that has none of them. */
const topicOf = (codec: Codec): string =>
  codec === "none" || codec === "gzip" ? "plain" : "packed";
const linesPerRun = 300;

const directory = temporaryDirectory();
let myelin: MyelinProcess;
const written: Record<string, Line[]> = { plain: [], packed: [] };

beforeAll(async () => {
  myelin = await startMyelin({ data: directory.path });
  for (const name of ["plain", "packed"]) await createTopic(name, 3);
});

afterAll(async () => {
  expect(await myelin.stop()).toBe(0);
  directory[Symbol.dispose]();
});

async function createTopic(name: string, partitions: number): Promise<void> {
  const clusters = (await (await fetch(`${myelin.url}/v1/clusters`)).json()) as {
    data: { id: string }[];
  };
  const response = await fetch(`${myelin.url}/kafka/v3/clusters/${clusters.data[0]?.id}/topics`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ topic_name: name, partitions_count: partitions }),
  });
  expect(response.status).toBe(201);
}

function linesOf(driver: ClientDriver, codec: Codec): Line[] {
  const filler = "the same words again and again, so that a codec has something to find ".repeat(3);
  return Array.from({ length: linesPerRun }, (_, index) => ({
    key: `${driver.name.replaceAll(/\W/g, "")}-${index % 17}`,
    value: `${driver.name} ${codec} ${index} ${filler}`,
  }));
}

/** Sorted, so that two readers of the same topic compare whatever order the partitions came in. */
function values(lines: readonly Line[]): string[] {
  return lines.map(({ key, value }) => `${key}\t${value}`).sort();
}

function expectOffsetsWithoutHoles(received: readonly Received[]): void {
  for (const partition of new Set(received.map((each) => each.partition))) {
    const offsets = received
      .filter((each) => each.partition === partition)
      .map((each) => each.offset);
    expect(offsets).toEqual(offsets.map((_, index) => index));
  }
}

describe.each(drivers)("$name", (driver) => {
  const reason = driver.unavailable();
  if (reason !== null) console.log(`skipped: ${driver.name}: ${reason}`);

  test.skipIf(reason !== null).each([...driver.codecs])(
    "writes with compression %s",
    async (codec) => {
      const lines = linesOf(driver, codec);
      await driver.produce({ bootstrap: myelin.bootstrap, topic: topicOf(codec), codec }, lines);
      written[topicOf(codec)]?.push(...lines);
    },
  );
});

describe.each(drivers)("$name", (driver) => {
  const topics = [...new Set(driver.codecs.map(topicOf))];

  test.skipIf(driver.unavailable() !== null).each(topics)(
    "reads what every client wrote to the %s topic",
    async (topic) => {
      const expected = written[topic] ?? [];
      expect(expected.length).toBeGreaterThan(0);
      const group = `group-of-${driver.name.replaceAll(/\W/g, "")}`;
      const received = await driver.consume(
        { bootstrap: myelin.bootstrap, topic, group },
        expected.length,
      );
      expect(values(received)).toEqual(values(expected));
      expectOffsetsWithoutHoles(received);
    },
  );
});
