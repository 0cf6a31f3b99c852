import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeLogDirs } from "../../../../broker/handlers/describe-log-dirs.ts";
import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import {
  describeLogDirsRequest,
  describeLogDirsResponse,
} from "../../../../protocol/messages/describe-log-dirs.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { versionsOf } from "../../../support/versions.ts";

let broker: MemoryBroker;
let recordBytes: number;

beforeAll(async () => {
  broker = await startMemoryBroker();
  await broker.createTopic("full", { partitionCount: 2 });
  await broker.createTopic("other", { partitionCount: 1 });
  const records = batchOf(["x".repeat(1_000)], { timestamp: broker.clock.nowMs() });
  recordBytes = records.length;
  await produceOne(broker, { topic: "full", partition: 1, records });
});
afterAll(() => broker.close());

type Asked = { topic: string; partitions: number[] }[] | null;

describe.each(versionsOf(describeLogDirs))("in version %i", (version) => {
  async function ask(topics: Asked) {
    const answer = await broker.call(describeLogDirsRequest, describeLogDirsResponse, version, {
      topics,
    });
    expect(answer.results).toHaveLength(1);
    const [directory] = answer.results;
    if (directory === undefined) throw new Error("the answer has no directory");
    return directory;
  }
  const named = (topics: { name: string; partitions: { partitionIndex: number }[] }[]) =>
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`),
    );

  test("the directory tells what lies in it, in the version's own shape", async () => {
    const { topics, ...directory } = await ask(null);
    expect(directory).toEqual({
      errorCode: 0,
      logDir: "/broker-1/log",
      totalBytes: version >= 4 ? expect.any(Number) : -1,
      usableBytes: version >= 4 ? expect.any(Number) : -1,
      isCordoned: false,
    });
    if (version >= 4) expect(directory.totalBytes).toBeGreaterThan(directory.usableBytes);
    expect(named(topics).sort()).toEqual(["full-0", "full-1", "other-0"]);
    const full = topics.find(({ name }) => name === "full");
    expect(full?.partitions).toEqual([
      { partitionIndex: 0, partitionSize: 0, offsetLag: 0, isFutureKey: false },
      { partitionIndex: 1, partitionSize: recordBytes, offsetLag: 0, isFutureKey: false },
    ]);
  });

  test("only what is asked for is told; what is not here is left out", async () => {
    const { topics } = await ask([
      { topic: "full", partitions: [1, 9] },
      { topic: "absent", partitions: [0] },
    ]);
    expect(named(topics)).toEqual(["full-1"]);
  });
});

test("a tenant sees the sizes of its own topics only", async () => {
  const made = await broker.metadata.submit((image, context) =>
    createCluster(image, { name: "neighbour" }, context),
  );
  if (made.kind === "rejected") throw new Error(made.message);
  const client = await broker.connect({ clusterId: made.result.clusterId });
  const answer = await client.call(describeLogDirsRequest, describeLogDirsResponse, 4, {
    topics: null,
  });
  expect(answer.results[0]?.topics).toEqual([]);
  await client.close();
});
