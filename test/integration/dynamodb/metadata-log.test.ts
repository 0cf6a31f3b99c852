import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDynamoMetadataLog } from "../../../adapters/dynamodb/metadata-log.ts";
import type { DynamoMetadataLogOptions } from "../../../adapters/dynamodb/metadata-log.ts";
import { createMemoryObjectStore } from "../../../adapters/memory/object-store.ts";
import { createNodeClock } from "../../../adapters/node/clock.ts";
import { createNodeRandom } from "../../../adapters/node/random.ts";
import { createCluster } from "../../../metadata/commands/cluster-commands.ts";
import { openMetadataReplica } from "../../../metadata/log/replica.ts";
import { entryOf, metadataLogContract, read } from "../../contracts/metadata-log.ts";
import { noDynamoDbLocalReason, startDynamoDbLocal } from "../../support/dynamodb-local.ts";
import type { DynamoDbLocal } from "../../support/dynamodb-local.ts";

const skipped = noDynamoDbLocalReason();
if (skipped !== null) console.log(skipped);

const tableName = "metadata";

describe.skipIf(skipped !== null)("on AWS's DynamoDB Local", () => {
  let dynamo: DynamoDbLocal;
  let cellCount = 0;

  beforeAll(async () => {
    dynamo = await startDynamoDbLocal(tableName);
  });

  afterAll(() => dynamo.stop());

  function openLog(options: Partial<DynamoMetadataLogOptions> & { cell: string }) {
    return createDynamoMetadataLog({
      client: dynamo.connect(),
      clock: createNodeClock(),
      random: createNodeRandom(),
      tableName,
      ...options,
    });
  }

  for (const entriesPerBucket of [4, 1_000]) {
    metadataLogContract(
      `in DynamoDB, ${entriesPerBucket} entries a bucket`,
      async () => {
        const cell = `cell-${++cellCount}`;
        return {
          open: async () => openLog({ cell, entriesPerBucket }),
          close: async () => undefined,
        };
      },
      { hasHints: false },
    );
  }

  test("cells that share a table have nothing in common", async () => {
    const one = openLog({ cell: "one" });
    const two = openLog({ cell: "two" });
    await one.genesis(1, entryOf("of one"));
    expect(await two.read(1, 10)).toEqual([]);
    expect(await two.genesis(1, entryOf("of two"))).toBe("accepted");
    await one.append(2, entryOf("more"));
    expect(await read(one, 1)).toEqual(["1 of one", "2 more"]);
    expect(await read(two, 1)).toEqual(["1 of two"]);
  });

  test("entries of more than a page, over the bound of a bucket, are read whole and in order", async () => {
    const log = openLog({ cell: "large", entriesPerBucket: 10 });
    const entry = new Uint8Array(200 * 1024).fill(1);
    await log.genesis(1, entry);
    for (let revision = 2; revision <= 15; revision++) await log.append(revision, entry);
    const entries = await openLog({ cell: "large", entriesPerBucket: 10 }).read(1, 100);
    if (entries === "trimmed") throw new Error("nothing was trimmed");
    expect(entries.map(({ revision }) => revision)).toEqual(
      Array.from({ length: 15 }, (_, index) => index + 1),
    );
    expect(entries.every(({ entry: { byteLength } }) => byteLength === 200 * 1024)).toBe(true);
  });

  test("replicas change, maintain and trim one history, and a process that starts later finds all of it", async () => {
    const objects = createMemoryObjectStore();
    const open = () =>
      openMetadataReplica({
        log: openLog({ cell: "replicas", entriesPerBucket: 8 }),
        objects,
        clock: createNodeClock(),
        random: createNodeRandom(),
        output: { info() {}, warn() {}, error: (message) => expect.fail(message) },
        cell: "replicas",
        snapshotEvery: 10,
        trimMargin: 3,
      });
    const replicas = await Promise.all([open(), open(), open()]);
    const names: string[] = [];
    for (let round = 0; round < 12; round++) {
      for (const [writer, replica] of replicas.entries()) {
        const name = `c${round}-${writer}`;
        names.push(name);
        const made = await replica.submit((image, context) =>
          createCluster(image, { name }, context),
        );
        expect(made.kind).toBe("accepted");
      }
      await replicas[round % 3]?.maintain();
    }
    const log = openLog({ cell: "replicas", entriesPerBucket: 8 });
    expect(await log.read(8, 1)).toBe("trimmed");
    const late = await open();
    expect(late.revision).toBe(1 + names.length);
    expect([...late.image.clustersByName.keys()].sort()).toEqual(names.sort());
    for (const replica of [late, ...replicas]) await replica.close();
  });

  test("a table that is not there is unavailable at once, and says so", async () => {
    const log = openLog({ cell: "any", tableName: "another" });
    await expect(log.read(1, 1)).rejects.toMatchObject({
      name: "MetadataLogError",
      code: "unavailable",
      message: expect.stringContaining("ResourceNotFoundException"),
    });
  });
});
