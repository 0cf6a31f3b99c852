import { afterEach, beforeEach, expect, test } from "vitest";
import { createManualClock } from "../../../adapters/memory/clock.ts";
import { startHousekeeping } from "../../../broker/housekeeping.ts";
import type { LogOutput } from "../../../broker/log-output.ts";
import { silentLog } from "../../../broker/log-output.ts";
import { deleteTopics } from "../../../metadata/commands/delete-topics.ts";
import { readArchivedImage } from "../../../metadata/log/archived-image.ts";
import type { MemoryBroker } from "../../support/memory-broker.ts";
import { startMemoryBroker } from "../../support/memory-broker.ts";

const warnings: string[] = [];
const log: LogOutput = { ...silentLog, warn: (message) => void warnings.push(message) };

let broker: MemoryBroker;

beforeEach(async () => {
  warnings.length = 0;
  broker = await startMemoryBroker({ log });
});
afterEach(() => broker.close());

test("a deleted topic is forgotten by the cell once this broker, the only one that held it, has dropped its data", async () => {
  const { topicId } = await broker.createTopic("doomed", { partitionCount: 1 });
  const { clusterId } = broker;
  await broker.metadata.submit((image, context) =>
    deleteTopics(image, { clusterId, topics: [{ topicId }] }, context),
  );
  expect(broker.image.purgingTopics.has(topicId)).toBe(true);
  await broker.clock.advance(10_000);
  await expect.poll(() => broker.image.purgingTopics.has(topicId)).toBe(false);
});

test("the metadata log is archived within ten seconds of an entry", async () => {
  await broker.createTopic("new", { partitionCount: 1 });
  await broker.clock.advance(10_000);
  await expect
    .poll(async () => (await broker.world.objects.list("cells/test/metadata/log/")).length)
    .toBeGreaterThan(0);
});

test("while the metadata log does not answer that is said, and tried again", async () => {
  for (let count = 0; count < 20; count++)
    broker.world.metadata.failNext("read", { takesEffect: false });
  for (let round = 0; round < 6; round++) await broker.clock.advance(10_000);
  await expect
    .poll(() => warnings.filter((warning) => warning.includes("could not be maintained")).length)
    .toBeGreaterThan(0);
  for (let round = 0; round < 12; round++) await broker.clock.advance(10_000);
  await expect
    .poll(async () => (await broker.world.objects.list("cells/test/metadata/log/")).length)
    .toBeGreaterThan(0);
});

const nobody = () => Promise.resolve({ archivedTo: 0, snapshotAt: 0, trimmedBefore: 0 });

test("a stop archives what came since the last round", async () => {
  await broker.clock.advance(10_000);
  await broker.createTopic("late", { partitionCount: 1 });
  const { objects } = broker.world;
  const { revision } = broker.metadata;
  await broker.close();
  const archived = await readArchivedImage({ objects, cell: "test" });
  expect(archived?.lastRevision).toBeGreaterThanOrEqual(revision);
});

test("a stop waits three seconds for an object store that does not answer, and not at all where another broker is controller", async () => {
  const clock = createManualClock();
  let rounds = 0;
  const never = () => (rounds++, new Promise<never>(() => undefined));
  const start = (brokerId: number, maintain: typeof nobody) =>
    startHousekeeping({ clock, log, brokerId, metadata: { image: broker.image, maintain } });
  const { brokerId } = broker.image.controller;
  let isStopped = false;
  void start(brokerId ?? -1, never)().then(() => (isStopped = true));
  await clock.advance(2_999);
  expect(isStopped).toBe(false);
  await clock.advance(1);
  await expect.poll(() => isStopped).toBe(true);
  await start(99, never)();
  expect(rounds).toBe(1);
  // One that is under way already is waited for no longer.
  const stop = start(brokerId ?? -1, never);
  await clock.advance(10_000);
  expect(rounds).toBe(2);
  let hasStopped = false;
  void stop().then(() => (hasStopped = true));
  await clock.advance(3_000);
  await expect.poll(() => hasStopped).toBe(true);
});
