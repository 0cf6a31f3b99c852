import { createNodeNetwork } from "../../adapters/node/network.ts";
import { buildBatch } from "../../protocol/records/build.ts";
import { produceOne } from "../../test/support/kafka-calls.ts";
import { connectRawClient } from "../../test/support/raw-client.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { cpuOf, watchMemory } from "../harness/process-figures.ts";
import { spreadOf, spreadText } from "../harness/statistics.ts";
import { startColdBroker, type Run } from "./cold-broker.ts";

// A compacted partition from the object store and back into it: read twice, cleaned on a thread, put, swapped.

const recordsPerBatch = 500;
const valueBytes = 1_000;
const batchCount = 512;
/** Each key comes four times. */
const keyCount = (recordsPerBatch * batchCount) / 4;
/** All of it becomes old enough at once, so that one run goes over everything. */
const youngForMs = 30_000;

export async function compactionSpeed({ rounds }: { rounds: number }): Promise<string> {
  const rows: string[][] = [];
  for (const isFar of [false, true]) {
    const runs: Measured[] = [];
    for (let round = 0; round < rounds; round += 1) runs.push(await runOnce(isFar));
    const text = (of: (run: (typeof runs)[number]) => number) => spreadText(spreadOf(runs.map(of)));
    rows.push([
      isFar ? "20 ms away" : "a directory",
      text(({ bytesRead, seconds }) => bytesRead / 1e6 / seconds),
      text(({ bytesKept, bytesRead }) => bytesKept / bytesRead),
      text(({ cpuPerGigabyte }) => cpuPerGigabyte),
      text(({ rssMb }) => rssMb),
    ]);
  }
  return [
    `${(recordsPerBatch * batchCount * valueBytes) / 1e6} MB of 1 KB records, each key four times, ${rounds} rounds:`,
    markdownTable(
      ["object store", "MB/s", "kept", "CPU s/GB, both threads", "RSS MB, highest"],
      rows,
    ),
  ].join("\n\n");
}

function batchesOf(timestamp: number): Uint8Array[] {
  return Array.from({ length: batchCount / 4 }, (_, index) => {
    const records = Array.from({ length: recordsPerBatch }, (__, at) => ({
      key: Buffer.from(
        `key-${String((index * recordsPerBatch + at) % keyCount).padStart(12, "0")}`,
      ),
      value: Buffer.alloc(valueBytes, "the quick brown fox "),
      timestamp,
    }));
    return buildBatch(records);
  });
}

type Measured = Run & { readonly cpuPerGigabyte: number; readonly rssMb: number };

async function runOnce(isFar: boolean): Promise<Measured> {
  const broker = await startColdBroker({ isTiered: true, isFar, budgetBytes: 0, maxAgeMs: 2_000 });
  try {
    const configs = {
      "cleanup.policy": "compact",
      "min.cleanable.dirty.ratio": "0.01",
      "min.compaction.lag.ms": "1",
      durability: "replicated",
    };
    await broker.create({ name: "cups", partitionCount: 1, configs });
    const timestamp = Date.now() + youngForMs;
    const batches = batchesOf(timestamp);
    const network = createNodeNetwork();
    const client = await connectRawClient(network, { host: "127.0.0.1", port: broker.port });
    for (let index = 0; index < batchCount; index += 1) {
      const records = batches[index % batches.length]!;
      const { errorCode } = await produceOne(client, { topic: "cups", records });
      if (errorCode !== 0) throw new Error(`Kafka error code ${errorCode}`);
    }
    await client.close();
    await broker.until("cups", ({ tieredEnd, highWatermark }) => tieredEnd === highWatermark);
    if (Date.now() >= timestamp) throw new Error("filling took longer than the records are young");
    await new Promise((go) => setTimeout(go, timestamp - Date.now()));
    const memory = watchMemory([broker.pid]);
    const before = cpuOf([broker.pid]);
    await broker.until("cups", ({ cleanedTo, highWatermark }) => cleanedTo === highWatermark);
    const after = cpuOf([broker.pid]);
    const rssMb = memory.stop().totalMb;
    const [run, ...more] = (await broker.figures()).runs;
    if (run === undefined || more.length > 0) throw new Error("not one run over everything");
    const cpuSeconds = after.user + after.system - before.user - before.system;
    return { ...run, cpuPerGigabyte: cpuSeconds / (run.bytesRead / 1e9), rssMb };
  } finally {
    await broker.stop();
  }
}
