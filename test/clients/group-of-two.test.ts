import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Myelin } from "../../sdk/src/myelin.ts";
import type { MyelinProcess } from "../support/myelin-process.ts";
import { startMyelin } from "../support/myelin-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import type { Received } from "./driver.ts";
import type { MemberOf } from "./members.ts";
import { members } from "./members.ts";
import { sourceDirectory } from "./places.ts";

const partitions = 6;
const topic = "words";
const file = join(sourceDirectory, "../../package-lock.json");
const lines = readFileSync(file, "utf8")
  .split("\n")
  .filter((line) => line !== "");

const directory = temporaryDirectory();
let myelin: MyelinProcess;
let sent: Map<number, Tally>;

/** What there is of a partition: how many lines, and a checksum over them in the order of their offsets. */
type Tally = { count: number; digest: string };

beforeAll(async () => {
  myelin = await startMyelin({ data: directory.path });
  const cluster = await new Myelin({ url: myelin.url }).clusters.get("dev");
  await cluster.topics.create({ name: topic, partitions });
  const messages = lines.map((value) => ({ key: value.trim().split(/\s+/)[0] ?? "", value }));
  await using producer = cluster.producer({ compression: "gzip" });
  const places = await producer.sendBatch(topic, messages);
  sent = tally(
    places.map(({ partition, offset }, index) => ({
      partition,
      offset,
      key: messages[index]?.key ?? "",
      value: messages[index]?.value ?? "",
    })),
  );
});

afterAll(async () => {
  expect(await myelin.stop()).toBe(0);
  directory[Symbol.dispose]();
});

function tally(received: readonly Received[]): Map<number, Tally> {
  const byPartition = new Map<number, Received[]>();
  for (const each of received) {
    const records = byPartition.get(each.partition) ?? [];
    records.push(each);
    byPartition.set(each.partition, records);
  }
  const tallies = [...byPartition].map(([partition, records]): [number, Tally] => {
    const hash = createHash("sha256");
    for (const { key, value } of records.sort((a, b) => a.offset - b.offset)) {
      hash.update(`${key}\t${value}\n`);
    }
    return [partition, { count: records.length, digest: hash.digest("hex") }];
  });
  return new Map(tallies.sort(([a], [b]) => a - b));
}

/** Both members read until together they have every offset; a rebalance may bring some to both. */
async function readAsTwo(member: MemberOf, group: string): Promise<Received[]> {
  const source = { bootstrap: myelin.bootstrap, topic, group };
  const received = new Map<string, Received>();
  let done = (): void => {};
  const complete = new Promise<void>((resolve) => {
    done = resolve;
  });
  const note = (each: Received): void => {
    received.set(`${each.partition}:${each.offset}`, each);
    if (received.size === lines.length) done();
  };
  const started = await Promise.all([member.start(source, note), member.start(source, note)]);
  await complete;
  for (const each of started) await each.stop();
  return [...received.values()];
}

for (const member of members) {
  const { name } = member.driver;
  const reason = member.driver.unavailable();
  if (reason !== null) console.log(`skipped: a group of two with ${name}: ${reason}`);

  test.skipIf(reason !== null)(
    `two members of a group with ${name} read what went in, by count and checksum per partition`,
    async () => {
      const received = await readAsTwo(member, `two-of-${name.replaceAll(/\W/g, "")}`);
      expect(tally(received)).toEqual(sent);
    },
  );
}
