import { defaultPackingConfig, startPacking } from "../../broker/cold/start-packing.ts";
import { silentLog } from "../../broker/log-output.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { batchOf } from "../../test/support/records.ts";
import { produceOne } from "../../test/support/kafka-calls.ts";
import { startMemoryBroker } from "../../test/support/memory-broker.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { kinds, meter, type StoreFigures } from "./metered-store.ts";

// What a broker asks of the object store hour by hour while nobody does anything; in simulated time.

const partitionCount = 10_000;
const perTopic = 1_000;
const hourMs = 3_600_000;
const hours = ["the first, with a record in each", "the second"];

export async function idlePuts(): Promise<string> {
  const checkMs = 30_000;
  const broker = await startMemoryBroker({
    config: { tiering: { checkMs }, compaction: { checkMs } },
  });
  // Every port of this broker goes to the one store in memory.
  const { objects, figures } = meter(withFolders({ ...broker.world.objects }));
  Object.assign(broker.world.objects, objects);
  const { topics } = broker.services;
  const stopPacking = startPacking({
    cell: "test",
    broker: { broker: broker.broker.brokerId, brokerEpoch: 1 },
    topics,
    isCurrent: () => true,
    objects,
    clock: broker.clock,
    log: silentLog,
    config: { ...defaultPackingConfig, packBytes: 4 * 1024 * 1024 },
  });
  try {
    for (let index = 0; index < partitionCount / perTopic; index += 1) {
      const configs = { "cleanup.policy": index % 2 === 0 ? "compact" : "delete" };
      await broker.createTopic(`idle-${index}`, { partitionCount: perTopic, configs });
      await Promise.all(
        Array.from({ length: perTopic }, async (_, partition) => {
          const records = batchOf([{ key: "k", value: "v" }], { timestamp: broker.clock.nowMs() });
          const produced = await produceOne(broker, { topic: `idle-${index}`, partition, records });
          if (produced.errorCode !== 0) throw new Error(`Kafka error code ${produced.errorCode}`);
        }),
      );
    }
    const rows: string[][] = [];
    for (const hour of hours) {
      const before = structuredClone(figures);
      for (let ms = 0; ms < hourMs + 60_000; ms += checkMs) await broker.clock.advance(checkMs);
      rows.push([hour, ...asked(figures, before)]);
    }
    return [
      `${partitionCount.toLocaleString("en-US")} partitions, half of them compacted:`,
      markdownTable(["hour", ...kinds.map((kind) => `${kind} PUTs`), "GETs", "LISTs"], rows),
    ].join("\n\n");
  } finally {
    await stopPacking();
    await broker.close();
  }
}

/** The store in memory goes through all of its objects to list some; here, one partition's are found by its folder. */
function withFolders(objects: ObjectStore): ObjectStore {
  const folders = new Map<string, Map<string, number>>();
  const folderOf = (key: string): string => `${key.split("/").slice(0, 5).join("/")}/`;
  return {
    ...objects,
    put(key, bytes, condition) {
      const folder = folders.get(folderOf(key)) ?? new Map<string, number>();
      folders.set(folderOf(key), folder.set(key, bytes.length));
      return objects.put(key, bytes, condition);
    },
    async list(prefix, options) {
      const folder = folders.get(prefix);
      if (folder === undefined) return objects.list(prefix, options);
      return Array.from(folder, ([key, sizeBytes]) => ({ key, sizeBytes }));
    },
  };
}

const asked = (now: StoreFigures, before: StoreFigures): string[] =>
  [
    ...kinds.map((kind) => now.puts[kind].count - before.puts[kind].count),
    now.gets.count - before.gets.count,
    now.lists.count - before.lists.count,
  ].map((count) => count.toLocaleString("en-US"));
