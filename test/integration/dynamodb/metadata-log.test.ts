import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDynamoMetadataLog } from "../../../adapters/dynamodb/metadata-log.ts";
import type { DynamoMetadataLogOptions } from "../../../adapters/dynamodb/metadata-log.ts";
import { createNodeClock } from "../../../adapters/node/clock.ts";
import { createNodeRandom } from "../../../adapters/node/random.ts";
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
      { hearsOthers: false },
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

  test("a table that is not there is unavailable at once, and says so", async () => {
    const log = openLog({ cell: "any", tableName: "another" });
    await expect(log.read(1, 1)).rejects.toMatchObject({
      name: "MetadataLogError",
      code: "unavailable",
      message: expect.stringContaining("ResourceNotFoundException"),
    });
  });
});
