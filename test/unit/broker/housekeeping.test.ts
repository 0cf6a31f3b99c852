import { afterEach, beforeEach, expect, test } from "vitest";
import type { LogOutput } from "../../../broker/log-output.ts";
import { silentLog } from "../../../broker/log-output.ts";
import { deleteTopics } from "../../../metadata/commands/delete-topics.ts";
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
