import { afterEach, expect, test } from "vitest";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { tieredEnd } from "../../../../broker/tiering/manifest.ts";
import type { BrokerConfig } from "../../../../broker/config.ts";
import {
  listOffsetsRequest,
  listOffsetsResponse,
} from "../../../../protocol/messages/list-offsets.ts";
import { fetchOne, produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker, worldAfter } from "../../../support/memory-broker.ts";
import { batchOf, recordsIn } from "../../../support/records.ts";
import { smallLog } from "../../../support/small-log.ts";

// A topic that keeps a year: three segments in two days, more than a manifest lists by itself, and nearly all of them only in the object store.

const kibibyte = 1024;
const config: Partial<BrokerConfig> = {
  log: smallLog,
  tiering: {
    segmentBytes: 64 * kibibyte,
    maxAgeMs: 3_600_000,
    localBudgetBytes: 0,
    graceMs: 600_000,
    checkMs: 1_000,
  },
};

const hourMs = 3_600_000;
const segmentMs = 16 * hourMs;
const yearMs = 365 * 24 * hourMs;
const segmentCount = Math.floor(yearMs / segmentMs);

let broker: MemoryBroker;
/** By offset. */
let timestamps: number[];

const partition = () => broker.services.topics.byName(broker.clusterId, "year")!.partitions[0]!;
const manifest = async () => (await broker.services.tier.manifest(partition(), { isFresh: true }))!;

/** As producers of many machines come, and what was late: not in the order of their times. */
const written = (at: number): number[] => {
  const startMs = broker.world.startMs - yearMs + at * segmentMs;
  const isLate = at % 10 === 9;
  return [startMs + hourMs, startMs, startMs + (isLate ? -40 : 15) * hourMs];
};

async function writeYear(): Promise<void> {
  broker = await startMemoryBroker({ config });
  const configs = { "retention.ms": "-1", "message.timestamp.type": "CreateTime" };
  await broker.createTopic("year", { partitionCount: 1, configs });
  timestamps = [];
  for (let at = 0; at < segmentCount; at += 1) {
    for (const timestamp of written(at)) {
      const records = batchOf([`${timestamp} ${"y".repeat(300)}`], { timestamp });
      expect((await produceOne(broker, { topic: "year", records })).errorCode).toBe(0);
      timestamps.push(timestamp);
    }
    expect((await broker.services.tierWriter.cut(partition(), 64 * kibibyte)).kind).toBe("done");
  }
  await broker.clock.advance(5_000);
}
afterEach(() => broker.close());

async function offsetAt(timestamp: number): Promise<{ offset: number; timestamp: number }> {
  const partitions = [{ partitionIndex: 0, timestamp }];
  const answer = await broker.call(listOffsetsRequest, listOffsetsResponse, 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: "year", partitions }],
  });
  const found = answer.topics[0]!.partitions[0]!;
  expect(found.errorCode).toBe(0);
  return { offset: found.offset, timestamp: found.timestamp };
}

function expected(timestamp: number): { offset: number; timestamp: number } {
  const offset = timestamps.findIndex((each) => each >= timestamp);
  return offset < 0 ? { offset: -1, timestamp: -1 } : { offset, timestamp: timestamps[offset]! };
}

async function checkTimes(): Promise<void> {
  const random = createSeededRandom(20_260_101);
  const [firstMs, lastMs] = [Math.min(...timestamps), Math.max(...timestamps)];
  const asked = [0, firstMs, firstMs + 1, lastMs, lastMs + 1];
  for (let count = 0; count < 25; count += 1) {
    asked.push(firstMs + Math.floor(random.float() * yearMs));
    // Of a record itself, too: the latest of its segment, as often as not.
    asked.push(timestamps[Math.floor(random.float() * timestamps.length)]!);
  }
  for (const timestamp of asked) {
    const found = await offsetAt(timestamp);
    expect([timestamp, found]).toEqual([timestamp, expected(timestamp)]);
    if (found.offset < 0) continue;
    const fetched = await fetchOne(broker, { topic: "year", offset: found.offset, maxWaitMs: 500 });
    const [first] = recordsIn(fetched.records!).filter(({ offset }) => offset >= found.offset);
    expect(first).toMatchObject({ offset: found.offset, timestamp: found.timestamp });
  }
  // The largest timestamp, wherever it is.
  expect((await offsetAt(-3)).timestamp).toBe(lastMs);
}

test("records of a year are found by their time, and read on from there, by who wrote them and by who comes anew", async () => {
  await writeYear();
  const { pages, segments } = await manifest();
  expect(pages.length).toBeGreaterThan(0);
  expect(segments.length).toBeGreaterThan(0);
  expect(tieredEnd(await manifest())).toBe(timestamps.length);
  const { logStartOffset, localStartOffset } = partition().log;
  expect(logStartOffset).toBe(0);
  expect(localStartOffset).toBeGreaterThan(timestamps.length / 2);
  await checkTimes();
  // Half a year from the middle on, to the end.
  let { offset } = await offsetAt(Math.min(...timestamps) + yearMs / 2);
  for (let reads = 0; offset < timestamps.length && reads < 10_000; reads += 1) {
    const fetched = await fetchOne(broker, { topic: "year", offset, maxWaitMs: 500 });
    expect(fetched.errorCode).toBe(0);
    for (const record of recordsIn(fetched.records ?? new Uint8Array(0))) {
      if (record.offset < offset) continue;
      expect([record.offset, record.timestamp]).toEqual([offset, timestamps[offset]]);
      offset += 1;
    }
  }
  expect(offset).toBe(timestamps.length);
  await broker.close();
  broker = await startMemoryBroker({ config, world: worldAfter(broker) });
  await checkTimes();
}, 120_000);
