import { setTimeout } from "node:timers/promises";
import { createDirectoryObjectStore } from "../../adapters/directory/object-store.ts";
import { createNodeNetwork } from "../../adapters/node/network.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { fetchOne } from "../../test/support/kafka-calls.ts";
import { connectRawClient } from "../../test/support/raw-client.ts";
import { latencyMs } from "../harness/histogram.ts";
import { type Program, runClient } from "../harness/load-client.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { watchMemory } from "../harness/process-figures.ts";
import { pairedRatios, spreadOf, spreadText } from "../harness/statistics.ts";
import { startColdBroker, type ColdBroker } from "./cold-broker.ts";
import { atDistance, farAway } from "./metered-store.ts";

// A consumer that reads what only a far object store has, beside somebody who reads the same objects with nothing in between; and what that does to others
// who produce, and fetch what is new.

const host = "127.0.0.1";
const storedBytes = 512e6;
const pieceBytes = 4 * 1024 * 1024;
/** Of the broker's memory for pieces eight times as much is stored, so that whoever begins anew finds little there. */
const batch = { size: 1_000, batch_records: 500 };

type Figures = { ackMs: number; fetchMs: number; consumerMbs: number; rssMb: number };

export async function catchUp(
  wire: Program,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<string> {
  const broker = await startColdBroker({
    isTiered: true,
    isFar: true,
    budgetBytes: 0,
    maxAgeMs: 2_000,
  });
  try {
    await fill(wire, broker);
    const store = atDistance(createDirectoryObjectStore(broker.objectsDirectory), farAway);
    const bare = { one: [] as number[], four: [] as number[] };
    const alone: Figures[] = [];
    const beside: Figures[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bare.one.push(await bareMbs(store, 1, seconds));
      bare.four.push(await bareMbs(store, 4, seconds));
      alone.push(await others(wire, broker, { seconds, isCatchingUp: false }));
      beside.push(await others(wire, broker, { seconds, isCatchingUp: true }));
    }
    return report({ bare, alone, beside });
  } finally {
    await broker.stop();
  }
}

async function fill(wire: Program, broker: ColdBroker): Promise<void> {
  const configs = { durability: "replicated" };
  for (const name of ["cold", "hot"]) await broker.create({ name, partitionCount: 1, configs });
  await setTimeout(500);
  const rate = 40_000;
  await runClient(wire, "produce", {
    limitSeconds: 120,
    options: {
      ...at(broker, "cold"),
      ...batch,
      connections: 1,
      rate,
      warmup: 0,
      seconds: storedBytes / batch.size / rate,
    },
  });
  // What the last file of the log has stays here; the rest of it does not.
  await broker.until(
    "cold",
    ({ highWatermark, tieredEnd }) => highWatermark > 0 && tieredEnd === highWatermark,
  );
  await broker.until(
    "cold",
    ({ localStartOffset, highWatermark }) => localStartOffset > highWatermark / 2,
  );
}

const at = (broker: ColdBroker, topic: string) => ({
  bootstrap: `${host}:${broker.port}`,
  topic,
  partitions: 1,
});

/** So many ranged GETs at a time, over and over. */
async function bareMbs(store: ObjectStore, atATime: number, seconds: number): Promise<number> {
  const found = (await store.list("cells/")).filter(({ key }) => key.endsWith(".segment"));
  const ranges = found.flatMap(({ key, sizeBytes }) =>
    Array.from({ length: Math.ceil(sizeBytes / pieceBytes) }, (_, piece) => ({
      key,
      start: piece * pieceBytes,
      end: (piece + 1) * pieceBytes,
    })),
  );
  let next = 0;
  let bytes = 0;
  const beganMs = performance.now();
  const read = async (): Promise<void> => {
    while (performance.now() - beganMs < seconds * 1_000) {
      const { key, ...range } = ranges[next++ % ranges.length]!;
      const found = await store.get(key, range);
      bytes += found?.bytes.length ?? 0;
    }
  };
  await Promise.all(Array.from({ length: atATime }, read));
  return bytes / 1e3 / (performance.now() - beganMs);
}

async function others(
  wire: Program,
  broker: ColdBroker,
  { seconds, isCatchingUp }: { seconds: number; isCatchingUp: boolean },
): Promise<Figures> {
  const times = { warmup: 1, seconds };
  const limitSeconds = seconds + 60;
  const catching = isCatchingUp
    ? runClient(wire, "fetch", {
        limitSeconds,
        options: { ...at(broker, "cold"), ...times, connections: 1 },
      })
    : null;
  const producing = runClient(wire, "produce", {
    limitSeconds,
    options: {
      ...at(broker, "hot"),
      ...times,
      size: 1_000,
      batch_records: 1,
      connections: 1,
      rate: 500,
    },
  });
  const memory = watchMemory([broker.pid]);
  const fetching = fetchHot(broker, seconds);
  const [caught, produced, fetchMs] = await Promise.all([catching, producing, fetching]);
  const rssMb = memory.stop().totalMb;
  if (produced.failed > 0 || (caught?.failed ?? 0) > 0) throw new Error(produced.error);
  return {
    ackMs: latencyMs(produced.acknowledgedUs ?? []).p99,
    fetchMs,
    consumerMbs: caught === null ? Number.NaN : caught.bytes / 1e6 / caught.seconds,
    rssMb,
  };
}

/** p99 of a fetch of a record that is there, fifty a second. */
async function fetchHot(broker: ColdBroker, seconds: number): Promise<number> {
  const client = await connectRawClient(createNodeNetwork(), { host, port: broker.port });
  const took: number[] = [];
  let offset = 0;
  const untilMs = performance.now() + (seconds + 1) * 1_000;
  while (performance.now() < untilMs) {
    const beganMs = performance.now();
    const { highWatermark } = await fetchOne(client, { topic: "hot", offset });
    took.push(performance.now() - beganMs);
    offset = Math.max(0, highWatermark - 1);
    await setTimeout(20);
  }
  await client.close();
  return took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? Number.NaN;
}

function report(measured: {
  bare: { one: number[]; four: number[] };
  alone: readonly Figures[];
  beside: readonly Figures[];
}): string {
  const { bare, alone, beside } = measured;
  const consumer = beside.map(({ consumerMbs }) => consumerMbs);
  const row = (title: string, name: "ackMs" | "fetchMs" | "rssMb"): string[] => {
    const [without, with_] = [alone, beside].map((all) => all.map((each) => each[name]));
    return [
      title,
      spreadText(spreadOf(without!)),
      spreadText(spreadOf(with_!)),
      spreadText(pairedRatios(with_!, without!)),
    ];
  };
  return [
    `One partition of ${storedBytes / 1e6} MB, ${farAway.firstByteMs} ms to the first byte and ${farAway.bytesPerSecond / 1e6} MB/s a request:`,
    markdownTable(
      ["reader", "MB/s"],
      [
        ["bare, a GET at a time", spreadText(spreadOf(bare.one))],
        ["bare, four at a time", spreadText(spreadOf(bare.four))],
        ["a consumer, which is read ahead for", spreadText(spreadOf(consumer))],
        ["consumer / bare, four at a time", spreadText(pairedRatios(consumer, bare.four))],
      ],
    ),
    markdownTable(
      ["of others, and the broker", "alone", "beside it", "ratio"],
      [
        row("produce, acks=all, 500 records/s: p99 ms", "ackMs"),
        row("fetch of the newest record: p99 ms", "fetchMs"),
        row("broker's RSS MB, highest", "rssMb"),
      ],
    ),
  ].join("\n\n");
}
