import { afterEach, beforeEach, expect, test } from "vitest";
import { incrementalAlterConfigs } from "../../../../metadata/commands/alter-configs.ts";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createPartition } from "../../../../broker/replication/partition.ts";
import { startRetention } from "../../../../broker/replication/retention-loop.ts";
import { DiskError } from "../../../../ports/disk.ts";
import { fetchOne, produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { entryOf } from "../tiering/objects.ts";

const checkMs = 60_000;

let broker: MemoryBroker;

beforeEach(async () => {
  broker = await startMemoryBroker({ config: { retentionCheckMs: checkMs } });
});
afterEach(() => broker.close());

async function write(topic: string, value = "x"): Promise<void> {
  const records = batchOf([{ key: "k", value }], { timestamp: broker.clock.nowMs() });
  expect((await produceOne(broker, { topic, records })).errorCode).toBe(0);
}

async function startOf(topic: string): Promise<number> {
  const log = broker.services.topics.byName(broker.clusterId, topic)?.partitions[0]?.log;
  const { logStartOffset } = await fetchOne(broker, { topic, offset: log?.logStartOffset ?? 0 });
  return logStartOffset;
}

test("records older than retention.ms go with the next check, younger ones stay", async () => {
  await broker.createTopic("brief", { partitionCount: 1, configs: { "retention.ms": "100000" } });
  await write("brief");
  await write("brief");
  await broker.clock.advance(checkMs);
  expect(await startOf("brief")).toBe(0);
  await write("brief");
  await broker.clock.advance(checkMs);
  await expect.poll(() => startOf("brief")).toBe(2);
});

test("what is more than retention.bytes goes, the oldest first", async () => {
  await broker.createTopic("small", { partitionCount: 1, configs: { "retention.bytes": "3000" } });
  for (let count = 0; count < 6; count++) await write("small", "x".repeat(900));
  await broker.clock.advance(checkMs);
  await expect.poll(() => startOf("small")).toBeGreaterThan(0);
  const start = await startOf("small");
  expect(start).toBeLessThanOrEqual(3);
  expect(
    broker.services.topics.byName(broker.clusterId, "small")?.partitions[0]?.log.sizeBytes,
  ).toBeGreaterThanOrEqual(3_000);
});

test("a topic that is compacted, and not deleted from, keeps everything", async () => {
  const configs = { "cleanup.policy": "compact", "retention.ms": "1" };
  await broker.createTopic("compacted", { partitionCount: 1, configs });
  await broker.createTopic("deleted", { partitionCount: 1, configs: { "retention.ms": "1" } });
  await write("compacted");
  await write("deleted");
  await broker.clock.advance(checkMs);
  await expect.poll(() => startOf("deleted")).toBe(1);
  expect(await startOf("compacted")).toBe(0);
});

test("without limits nothing ever goes", async () => {
  const configs = { "retention.ms": "-1", "retention.bytes": "-1" };
  await broker.createTopic("kept", { partitionCount: 1, configs });
  await broker.createTopic("usual", { partitionCount: 1 });
  const yearAgo = broker.clock.nowMs() - 365 * 24 * 3_600_000;
  for (const topic of ["kept", "usual"])
    await produceOne(broker, { topic, records: batchOf(["old"], { timestamp: yearAgo }) });
  await broker.clock.advance(checkMs);
  await expect.poll(() => startOf("usual")).toBe(1);
  expect(await startOf("kept")).toBe(0);
});

test("a limit that is set later holds from the next check on", async () => {
  await broker.createTopic("later", { partitionCount: 1 });
  await write("later");
  await broker.clock.advance(checkMs);
  expect(await startOf("later")).toBe(0);
  await broker.metadata.submit((image) =>
    incrementalAlterConfigs(image, {
      clusterId: broker.clusterId,
      resources: [
        {
          resource: { kind: "topic", name: "later" },
          changes: [{ name: "retention.ms", operation: "SET", value: "1000" }],
        },
      ],
    }),
  );
  await broker.clock.advance(checkMs);
  await expect.poll(() => startOf("later")).toBe(1);
});

test("what is let go of here while the store is asked is not taken for expired", async () => {
  const clock = createManualClock();
  const log = {
    failure: null,
    logStartOffset: 0,
    localStartOffset: 100,
    highWatermark: 200,
    sizeBytes: 0,
    // Nothing of what is here has expired.
    retainedFrom: () => Promise.resolve(log.localStartOffset),
    moveLogStart: (offset: number) => Promise.resolve((log.logStartOffset = offset) >= 0),
  };
  const partition = createPartition("t", 0, log as never);
  partition.isLeader = true;
  // Put, and let go of here, while the manifest is read: what is read does not have it yet.
  const segments = [entryOf(0, 100, { maxTimestamp: 1 })];
  const manifest = () => {
    const asked = Promise.resolve({ pages: [], segments, logStartOffset: 0 });
    log.localStartOffset = 200;
    return asked;
  };
  const settings = { isDeletedByRetention: true, retentionMs: 1, retentionBytes: -1 };
  const topic = { topic: { partitions: [] }, settings, partitions: [partition] };
  const stop = startRetention(
    {
      topics: { all: () => [topic] },
      clock,
      log: silentLog,
      tier: { manifest },
      tierWriter: { leave: () => Promise.resolve({ kind: "done" }) },
    } as never,
    checkMs,
  );
  await clock.advance(checkMs);
  await stop();
  expect(log.logStartOffset).toBe(100);
});

test("a log that the disk does not give keeps no other from being cut", async () => {
  await broker.createTopic("unreadable", { partitionCount: 1, configs: { "retention.ms": "1" } });
  await broker.createTopic("readable", { partitionCount: 1, configs: { "retention.ms": "1" } });
  await write("unreadable");
  await write("readable");
  const { log } = broker.services.topics.byName(broker.clusterId, "unreadable")!.partitions[0]!;
  log.retainedFrom = () => Promise.reject(new DiskError("io", "the disk cannot be read"));
  await broker.clock.advance(checkMs);
  await expect.poll(() => startOf("readable")).toBe(1);
});
