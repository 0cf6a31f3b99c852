// `npm run demo [FILE]`: a real log file goes in with one client and comes out with another, and the two are compared.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import type { Cluster } from "../../sdk/src/cluster.ts";
import { Myelin } from "../../sdk/src/myelin.ts";
import type { MyelinProcess } from "../support/myelin-process.ts";
import { startMyelin } from "../support/myelin-process.ts";

const partitions = 6;
/** Log files that machines have, the package manager's first. */
const usualFiles = [
  "/var/log/dpkg.log",
  "/var/log/apt/history.log",
  "/var/log/pacman.log",
  "/var/log/dnf.log",
  "/var/log/install.log",
  "/var/log/syslog",
];

type Line = { key: string; value: string };
/** What there is of a partition: how many lines, and a checksum over them in order. */
type Tally = { count: number; digest: string };

async function main(): Promise<number> {
  const file =
    process.argv[2] ??
    usualFiles.find((each) => existsSync(each)) ??
    new URL("../../package-lock.json", import.meta.url).pathname;
  const lines = (await readFile(file, "utf8"))
    .split("\n")
    .filter((line) => line !== "")
    .map((value): Line => ({ key: value.trim().split(/\s+/)[0] ?? "", value }));
  console.log(`${file}: ${lines.length} lines`);
  await using place = await findOrStart();
  const [cluster] = await place.myelin.clusters.list();
  if (cluster === undefined) throw new Error("there is no cluster");
  const topic = `demo-${Date.now()}`;
  await cluster.topics.create({ name: topic, partitions });
  console.log(`created topic ${topic} with ${partitions} partitions through the HTTP API`);
  const sent = await write(cluster, topic, lines);
  const received = await read(cluster, topic, lines.length);
  return compare(sent, received);
}

/** The Myelin that runs at MYELIN_URL or the usual place, or one of the demo's own. */
async function findOrStart(): Promise<{ myelin: Myelin; [Symbol.asyncDispose](): Promise<void> }> {
  const url = process.env["MYELIN_URL"] ?? "http://127.0.0.1:8080";
  const isUp = await fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
  if (isUp) return { myelin: new Myelin({ url }), [Symbol.asyncDispose]: async () => {} };
  const data = mkdtempSync(join(tmpdir(), "myelin-demo-"));
  const own: MyelinProcess = await startMyelin({ data });
  console.log(`nothing runs at ${url}: started Myelin at ${own.url} for this demo`);
  return {
    myelin: new Myelin({ url: own.url }),
    async [Symbol.asyncDispose]() {
      await own.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function write(cluster: Cluster, topic: string, lines: readonly Line[]): Promise<Tally[]> {
  const progress = startProgress("written with the SDK", lines.length);
  await using producer = cluster.producer({ compression: "gzip" });
  const byPartition = Array.from({ length: partitions }, () => createHash("sha256"));
  const counts = Array.from({ length: partitions }, () => 0);
  for (let at = 0; at < lines.length; at += 5_000) {
    const part = lines.slice(at, at + 5_000);
    const sent = await producer.sendBatch(topic, part);
    for (const [index, { partition }] of sent.entries()) {
      byPartition[partition]?.update(`${part[index]?.key}\t${part[index]?.value}\n`);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    progress.at(at + part.length);
  }
  progress.end();
  return byPartition.map((hash, partition) => ({
    count: counts[partition] ?? 0,
    digest: hash.digest("hex").slice(0, 16),
  }));
}

async function read(cluster: Cluster, topic: string, count: number): Promise<Tally[]> {
  const kafka = new Kafka({
    brokers: cluster.bootstrapServers.split(","),
    logLevel: logLevel.NOTHING,
  });
  const members = [
    kafka.consumer({ groupId: `${topic}-readers` }),
    kafka.consumer({ groupId: `${topic}-readers` }),
  ];
  const progress = startProgress("read with KafkaJS, a group of two", count);
  const byPartition = Array.from({ length: partitions }, () => createHash("sha256"));
  const counts = Array.from({ length: partitions }, () => 0);
  // By offset, because a rebalance in the middle may bring a message twice.
  const nextOffset = Array.from({ length: partitions }, () => 0);
  let seen = 0;
  await new Promise<void>((resolve, reject) => {
    for (const member of members) {
      member.on(member.events.CRASH, ({ payload }) => reject(payload.error));
      void member
        .connect()
        .then(() => member.subscribe({ topic, fromBeginning: true }))
        .then(() =>
          member.run({
            eachMessage: ({ partition, message }) => {
              if (Number(message.offset) < (nextOffset[partition] ?? 0)) return Promise.resolve();
              nextOffset[partition] = Number(message.offset) + 1;
              byPartition[partition]?.update(
                `${message.key?.toString()}\t${message.value?.toString()}\n`,
              );
              counts[partition] = (counts[partition] ?? 0) + 1;
              progress.at(++seen);
              if (seen === count) resolve();
              return Promise.resolve();
            },
          }),
        )
        .catch(reject);
    }
  });
  progress.end();
  await Promise.all(members.map((member) => member.disconnect()));
  return byPartition.map((hash, partition) => ({
    count: counts[partition] ?? 0,
    digest: hash.digest("hex").slice(0, 16),
  }));
}

function compare(sent: readonly Tally[], received: readonly Tally[]): number {
  console.log("partition  lines in  lines out  checksum in       checksum out");
  let isEqual = true;
  for (const [partition, put] of sent.entries()) {
    const got = received[partition] ?? { count: 0, digest: "" };
    const isSame = got.count === put.count && got.digest === put.digest;
    isEqual &&= isSame;
    const columns = [
      String(partition).padEnd(9),
      String(put.count).padStart(8),
      String(got.count).padStart(9),
      put.digest,
      got.digest,
    ];
    console.log(`${columns.join("  ")}  ${isSame ? "same" : "DIFFERENT"}`);
  }
  console.log(isEqual ? "What came out is what went in." : "What came out is NOT what went in.");
  return isEqual ? 0 : 1;
}

function startProgress(what: string, total: number) {
  const startedMs = performance.now();
  const isTerminal = process.stderr.isTTY;
  let shownMs = startedMs;
  const rate = (done: number): string =>
    `${Math.round(done / Math.max(0.001, (performance.now() - startedMs) / 1000))}/s`;
  return {
    at(done: number): void {
      if (!isTerminal || performance.now() - shownMs < 100) return;
      shownMs = performance.now();
      process.stderr.write(
        `\r${what}: ${done} of ${total} (${Math.floor((100 * done) / total)} %, ${rate(done)}) `,
      );
    },
    end(): void {
      if (isTerminal) process.stderr.write("\r\x1b[K");
      console.log(
        `${what}: ${total} lines in ${((performance.now() - startedMs) / 1000).toFixed(1)} s (${rate(total)})`,
      );
    },
  };
}

process.exitCode = await main();
