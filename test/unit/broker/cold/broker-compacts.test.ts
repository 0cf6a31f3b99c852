import { afterEach, expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import {
  createCleaner,
  createInlinePlace,
  type CleaningPlace,
} from "../../../../broker/compaction/remote-cleaner.ts";
import type { BrokerConfig } from "../../../../broker/config.ts";
import {
  deleteRecordsRequest,
  deleteRecordsResponse,
} from "../../../../protocol/messages/delete-records.ts";
import type { BatchOptions } from "../../../../protocol/records/build.ts";
import { fetchOne, produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker, MemoryBrokerOptions } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf, recordsIn } from "../../../support/records.ts";
import { smallLog } from "../../../support/small-log.ts";

// A whole broker with small segments whose compacted topics are compacted in the object store.

const kibibyte = 1024;
const minuteMs = 60_000;
const graceMs = 10 * minuteMs;
const small: Partial<BrokerConfig> = {
  log: smallLog,
  tiering: {
    segmentBytes: 24 * kibibyte,
    maxAgeMs: minuteMs,
    localBudgetBytes: 1_000 * kibibyte,
    graceMs,
    checkMs: 1_000,
  },
  compaction: { checkMs: 1_000 },
  retentionCheckMs: 10_000,
};

const running = new Set<MemoryBroker>();
afterEach(async () => {
  const left = Array.from(running);
  running.clear();
  for (const broker of left) await broker.close();
});

async function start(options: MemoryBrokerOptions = {}): Promise<MemoryBroker> {
  const broker = await startMemoryBroker({ ...options, config: { ...small, ...options.config } });
  running.add(broker);
  return broker;
}

async function stop(broker: MemoryBroker): Promise<void> {
  running.delete(broker);
  await broker.close();
}

const partitionOf = (broker: MemoryBroker, name = "cups") => {
  const partition = broker.services.topics.byName(broker.clusterId, name)?.partitions[0];
  if (partition === undefined) throw new Error("no such partition");
  return partition;
};

const compacted = {
  "cleanup.policy": "compact",
  "min.cleanable.dirty.ratio": "0.01",
  "delete.retention.ms": `${minuteMs}`,
};

async function withTopic(
  configs: Record<string, string> = {},
  options: MemoryBrokerOptions = {},
): Promise<MemoryBroker> {
  const broker = await start(options);
  await broker.createTopic("cups", { partitionCount: 1, configs: { ...compacted, ...configs } });
  await broker.createTopic("filler", { partitionCount: 1 });
  return broker;
}

/** One batch of one record; its offset. */
async function put(
  broker: MemoryBroker,
  [key, value]: readonly [string, string | null],
  options: BatchOptions = {},
): Promise<number> {
  const record = { key, value: value === null ? null : `${value} ${"c".repeat(500)}` };
  const records = batchOf([record], { timestamp: broker.clock.nowMs(), ...options });
  const produced = await produceOne(broker, { topic: "cups", records });
  expect(produced.errorCode).toBe(0);
  return produced.baseOffset;
}

/** `count` updates of five keys in turn. */
async function update(broker: MemoryBroker, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await put(broker, [`key-${at % 5}`, `${at}`]);
}

/** The log lets go of what is before its last change of files only. */
async function turnFiles(broker: MemoryBroker): Promise<void> {
  for (let at = 0; at < 12; at += 1) {
    const records = batchOf([{ value: "f".repeat(8_000) }], { timestamp: broker.clock.nowMs() });
    expect((await produceOne(broker, { topic: "filler", records })).errorCode).toBe(0);
  }
}

async function until(broker: MemoryBroker, isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !isSo(); turn += 1) await broker.clock.advance(1_000);
  if (!isSo()) throw new Error(`never: ${isSo.toString()}`);
}

const manifestOf = (broker: MemoryBroker) => broker.services.tierWriter.known(partitionOf(broker));

/** All that is produced so far is in the object store, clean, and no longer here. */
async function untilClean(broker: MemoryBroker): Promise<void> {
  await turnFiles(broker);
  const { log } = partitionOf(broker);
  await until(broker, () => (manifestOf(broker)?.cleanedTo ?? -1) === log.highWatermark);
  await until(broker, () => log.localStartOffset === log.highWatermark);
}

/** Every record from the log's start on, as a consumer meets it. */
async function readAll(broker: MemoryBroker, from = 0): Promise<string[]> {
  const found: string[] = [];
  const end = partitionOf(broker).log.highWatermark;
  for (let offset = from; offset < end;) {
    const { errorCode, records } = await fetchOne(broker, { topic: "cups", offset });
    expect(errorCode).toBe(0);
    const read = recordsIn(records).filter((record) => record.offset >= offset);
    for (const { offset: at, key, value } of read) {
      found.push(`${at} ${key}${value === null ? "" : `=${value.split(" ")[0]}`}`);
    }
    // What is left of a batch without records: its header says where the next one begins.
    const next = nextOffsetOf(records!);
    if (next <= offset) throw new Error(`nothing at ${offset}`);
    offset = next;
  }
  return found;
}

const nextOffsetOf = (bytes: Uint8Array): number => {
  const view = Buffer.from(bytes);
  let next = -1;
  for (let at = 0; at < view.length; at += 12 + view.readInt32BE(at + 8)) {
    next = Number(view.readBigInt64BE(at)) + view.readInt32BE(at + 23) + 1;
  }
  return next;
};

const latest = (from: number): string[] =>
  Array.from({ length: 5 }, (_, at) => `${from + at} key-${at}=${from + at}`);

test("a consumer from the beginning sees the latest of each key, at the offset it always had", async () => {
  const broker = await withTopic();
  await update(broker, 200);
  await untilClean(broker);
  expect(await readAll(broker)).toEqual(latest(195));
  expect(partitionOf(broker).log.logStartOffset).toBe(0);
  // Hot records come behind it as they are, and go the same way in time.
  await put(broker, ["key-0", "again"]);
  await put(broker, ["key-0", "and again"]);
  expect(await readAll(broker, 150)).toEqual([...latest(195), "200 key-0=again", "201 key-0=and"]);
  await untilClean(broker);
  expect(await readAll(broker)).toEqual([...latest(195).slice(1), "201 key-0=and"]);
});

test("what is not dirty enough waits, but no longer than max.compaction.lag.ms", async () => {
  const broker = await withTopic({
    "min.cleanable.dirty.ratio": "0.9",
    "max.compaction.lag.ms": `${2 * minuteMs}`,
  });
  await update(broker, 100);
  await untilClean(broker);
  await put(broker, ["key-0", "again"]);
  await until(broker, () => partitionOf(broker).tieredEnd === 101);
  expect(manifestOf(broker)?.cleanedTo).toBe(100);
  await until(broker, () => manifestOf(broker)?.cleanedTo === 101);
  const [segment] = manifestOf(broker)!.segments;
  expect(broker.clock.nowMs() - segment!.maxTimestamp).toBeGreaterThan(2 * minuteMs);
});

test("min.compaction.lag.ms keeps what is young", async () => {
  const broker = await withTopic({ "min.compaction.lag.ms": `${5 * minuteMs}` });
  await update(broker, 100);
  await until(broker, () => partitionOf(broker).tieredEnd === 100);
  await broker.clock.advance(minuteMs);
  expect(manifestOf(broker)?.cleanedTo).toBe(0);
  expect(await readAll(broker)).toHaveLength(100);
  await broker.clock.advance(5 * minuteMs);
  await untilClean(broker);
  expect(await readAll(broker)).toEqual(latest(95));
});

test.each(["without", "a restart", "a crash"])(
  "a tombstone is there for delete.retention.ms and gone then, on a log that nobody writes to any more; %s in between",
  async (between) => {
    let broker = await withTopic();
    await update(broker, 50);
    await put(broker, ["key-1", null]);
    await put(broker, ["key-2", null]);
    await untilClean(broker);
    const left = ["45 key-0=45", "48 key-3=48", "49 key-4=49"];
    expect(await readAll(broker)).toEqual([...left, "50 key-1", "51 key-2"]);
    if (between === "a restart") {
      await stop(broker);
      const startMs = broker.clock.nowMs();
      broker = await start({ world: { ...broker.world, startMs, seed: 2 } });
    }
    if (between === "a crash") {
      running.delete(broker);
      broker = await start({ world: broker.crash() });
    }
    await broker.clock.advance(minuteMs);
    expect(await readAll(broker)).toEqual([...left, "50 key-1", "51 key-2"]);
    await broker.clock.advance(graceMs);
    await until(broker, () => manifestOf(broker)?.expiring.lastHorizonMs === -1);
    expect(await readAll(broker)).toEqual(left);
  },
);

test("with compact,delete records expire too", async () => {
  const broker = await withTopic({
    "cleanup.policy": "compact,delete",
    "retention.ms": `${60 * minuteMs}`,
  });
  await update(broker, 100);
  await untilClean(broker);
  expect(await readAll(broker)).toEqual(latest(95));
  await broker.clock.advance(60 * minuteMs);
  await until(broker, () => partitionOf(broker).log.logStartOffset === 100);
  expect((await fetchOne(broker, { topic: "cups", offset: 95 })).errorCode).toBe(1);
  await update(broker, 10);
  await untilClean(broker);
  expect(await readAll(broker, 100)).toEqual(
    Array.from({ length: 5 }, (_, at) => `${105 + at} key-${at}=${5 + at}`),
  );
});

test("objects that compaction replaced are deleted after a while, and so is what it put in vain", async () => {
  const broker = await withTopic();
  const { objects } = broker.world;
  const segments = async () =>
    (await objects.list("cells/")).filter(({ key }) => key.endsWith(".segment")).length;
  await update(broker, 200);
  await untilClean(broker);
  expect(await segments()).toBeGreaterThan(5);
  await broker.clock.advance(graceMs);
  const listed = () => manifestOf(broker)!.segments.length;
  const { tierWriter } = broker.services;
  await until(broker, () => !tierWriter.hasLeft(partitionOf(broker)));
  const filler = await broker.services.tier.manifest(partitionOf(broker, "filler"));
  expect(await segments()).toBe(listed() + filler!.segments.length);
});

test("who produced before knows its sequence afterwards, though its records are gone", async () => {
  let broker = await withTopic();
  const producer = { producerId: 4_000, producerEpoch: 0 };
  for (let at = 0; at < 20; at += 1) {
    await put(broker, ["key-0", `${at}`], { ...producer, baseSequence: at });
  }
  await put(broker, ["key-0", "another's"]);
  await untilClean(broker);
  expect(await readAll(broker)).toEqual(["20 key-0=another's"]);
  running.delete(broker);
  broker = await start({ world: broker.crash() });
  expect(await put(broker, ["key-0", "19"], { ...producer, baseSequence: 19 })).toBe(19);
  expect(await put(broker, ["key-0", "20"], { ...producer, baseSequence: 20 })).toBe(21);
  const records = batchOf([{ key: "key-0", value: "far" }], { ...producer, baseSequence: 30 });
  expect((await produceOne(broker, { topic: "cups", records })).errorCode).not.toBe(0);
});

/** A cleaner that holds its answers back while it is told to. */
function heldCleaner() {
  let release: (() => void) | null = null;
  let held: Promise<void> = Promise.resolve();
  let waitingCount = 0;
  let answeredCount = 0;
  const open = (): CleaningPlace => {
    const place = createInlinePlace();
    return {
      ...place,
      async call(request) {
        waitingCount += 1;
        await held;
        waitingCount -= 1;
        answeredCount += 1;
        return place.call(request);
      },
    };
  };
  return {
    cleaner: createCleaner(open),
    isAsked: () => waitingCount > 0,
    answeredCount: () => answeredCount,
    hold: () => void (held = new Promise((go) => (release = go))),
    release: () => release?.(),
  };
}

test("a cut and a move of the log start do not wait for a compaction, which is begun anew where they are in its way", async () => {
  const held = heldCleaner();
  held.hold();
  const broker = await withTopic({ "cleanup.policy": "compact,delete" }, { cleaner: held.cleaner });
  await update(broker, 100);
  await until(broker, held.isAsked);
  const end = partitionOf(broker).tieredEnd;
  await update(broker, 100);
  await until(broker, () => partitionOf(broker).tieredEnd > end + 50);
  const { topics } = await broker.call(deleteRecordsRequest, deleteRecordsResponse, 2, {
    timeoutMs: 1_000,
    topics: [{ name: "cups", partitions: [{ partitionIndex: 0, offset: 60 }] }],
  });
  expect(topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: 60 });
  expect(manifestOf(broker)).toMatchObject({ logStartOffset: 60, cleanedTo: 60 });
  held.release();
  await untilClean(broker);
  expect(await readAll(broker, 60)).toEqual(
    Array.from({ length: 5 }, (_, at) => `${195 + at} key-${at}=${95 + at}`),
  );
});

test("a leader that leads no longer stops at once", async () => {
  const held = heldCleaner();
  held.hold();
  const broker = await withTopic({}, { cleaner: held.cleaner });
  await update(broker, 100);
  await until(broker, held.isAsked);
  const partition = partitionOf(broker);
  broker.services.topics.failed([partition.log]);
  expect(partition.isLeader).toBe(false);
  held.release();
  await broker.clock.advance(1_000);
  // What was on its way, and the end of the run.
  expect(held.answeredCount()).toBeLessThanOrEqual(2);
  const manifest = await broker.services.tier.manifest(partition, { isFresh: true });
  expect(manifest).toMatchObject({ cleanedTo: 0, leaving: [] });
  expect(manifest!.segments).toMatchObject([{ baseOffset: 0, generation: 0 }]);
});

test("a broker that stops does not wait for the whole compaction", async () => {
  const held = heldCleaner();
  held.hold();
  const broker = await withTopic({}, { cleaner: held.cleaner });
  await update(broker, 100);
  await until(broker, held.isAsked);
  const stopped = stop(broker);
  while (!broker.services.stopping.aborted) await new Promise((go) => setTimeout(go, 1));
  held.release();
  await stopped;
  const startMs = broker.clock.nowMs();
  const again = await start({ world: { ...broker.world, startMs, seed: 2 } });
  expect(await readAll(again)).toHaveLength(100);
  await untilClean(again);
  expect(await readAll(again)).toEqual(latest(95));
});

test("what compaction is putting is not taken for an orphan", async () => {
  const broker = await withTopic();
  await update(broker, 100);
  await until(broker, () => partitionOf(broker).tieredEnd === 100);
  await untilClean(broker);
  const { objects } = broker.world;
  const { services } = broker;
  const putObject = objects.put.bind(objects);
  let collected = 0;
  objects.put = async (key, bytes, condition) => {
    const stored = await putObject(key, bytes, condition);
    if (!Array.from(services.tierWriter.coming).some((name) => key.endsWith(name))) return stored;
    services.tierWriter.sweep(partitionOf(broker));
    expect((await services.tierWriter.collect(partitionOf(broker))).kind).toBe("done");
    collected += 1;
    return stored;
  };
  await update(broker, 100);
  await untilClean(broker);
  expect(collected).toBeGreaterThan(0);
  expect(await readAll(broker)).toEqual(
    Array.from({ length: 5 }, (_, at) => `${195 + at} key-${at}=${95 + at}`),
  );
});

test("a new leader goes on with the compaction, and knows the producers", async () => {
  const first = await start();
  const second = await start({
    world: { ...first.world, disk: createMemoryDisk(), seed: 77 },
    network: first.network,
    config: { slot: 2, zone: "zone-2", listen: { host: "127.0.0.1", port: 9093 } },
  });
  for (const name of ["cups", "filler"]) {
    const configs = name === "cups" ? compacted : {};
    await first.createTopic(name, { partitionCount: 1, replicationFactor: 2, configs });
  }
  const settle = () => new Promise((go) => setTimeout(go, 5));
  const isReady = () =>
    [first, second].every(
      ({ services, clusterId }) => services.topics.byName(clusterId, "cups") !== undefined,
    );
  for (let turn = 0; turn < 1_000 && !isReady(); turn += 1) await settle();
  const leader = partitionOf(first).isLeader ? first : second;
  const follower = leader === first ? second : first;
  const producer = { producerId: 4_000, producerEpoch: 0 };
  await update(leader, 100);
  await put(leader, ["key-0", "x"], { ...producer, baseSequence: 0 });
  // Neither is to take the other for one that has stopped.
  const isInSync = () => partitionOf(leader).leaderState?.assignment.isr.length === 2;
  for (let turn = 0; turn < 200 && manifestOf(leader)?.cleanedTo !== 101; turn += 1) {
    await Promise.all([first.clock.advance(1_000), second.clock.advance(1_000)]);
    for (let wait = 0; wait < 400 && !isInSync(); wait += 1) await settle();
  }
  expect(manifestOf(leader)?.cleanedTo).toBe(101);
  await stop(leader);
  for (let turn = 0; turn < 1_000 && !partitionOf(follower).isLeader; turn += 1) await settle();
  expect(await put(follower, ["key-0", "x"], { ...producer, baseSequence: 0 })).toBe(100);
  expect(await put(follower, ["key-1", "y"], { ...producer, baseSequence: 1 })).toBe(101);
  await until(follower, () => manifestOf(follower)?.cleanedTo === 102);
  const { segments } = manifestOf(follower)!;
  expect(segments.at(-1)!.leaderEpoch).toBe(partitionOf(follower).leaderEpoch);
});
