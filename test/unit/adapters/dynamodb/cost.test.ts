import { expect, test } from "vitest";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import { openMetadataReplica } from "../../../../metadata/log/replica.ts";
import type { MetadataReplica } from "../../../../metadata/log/replica.ts";
import { testObjects } from "../../metadata/log/test-log.ts";
import { dynamoWorld } from "./dynamo-world.ts";
import type { DynamoWorld } from "./dynamo-world.ts";

// The figures of docs/decisions/0008.

function openReplica(world: DynamoWorld, objects = testObjects()): Promise<MetadataReplica> {
  return world.during(
    openMetadataReplica({
      log: world.open(undefined, { entriesPerBucket: 1_000 }),
      objects,
      clock: world.clock,
      random: createSeededRandom(1),
      output: { info() {}, warn() {}, error() {} },
      cell: "c",
    }),
  );
}

function addCluster(world: DynamoWorld, replica: MetadataReplica, name: string) {
  return world.during(replica.submit((image, context) => createCluster(image, { name }, context)));
}

test("an idle broker costs one query a second and nothing else, maintenance of log and archive included", async () => {
  const world = dynamoWorld();
  const objects = testObjects();
  const replica = await openReplica(world, objects);
  await world.during(replica.maintain());
  world.dynamo.sent.clear();
  const idleObjects = new Proxy(objects.objects, { get: () => expect.fail("the store is asked") });
  Object.assign(objects, { objects: idleObjects, list: () => expect.fail("the store is asked") });
  for (let round = 0; round < 60; round++) {
    await world.clock.advance(10_000);
    await world.during(replica.maintain());
  }
  expect(world.dynamo.sent).toEqual(new Map([["Query", 600]]));
});

test("a change costs a query and a transaction, a start one query, the first start of all some more", async () => {
  const world = dynamoWorld();
  const first = await openReplica(world);
  expect(world.dynamo.sent).toEqual(
    new Map([
      // The cell is looked for on opening, and again before it is made.
      ["Query", 2],
      ["GetItem", 2],
      ["TransactWriteItems", 1],
    ]),
  );
  world.dynamo.sent.clear();
  await addCluster(world, first, "dev");
  expect(world.dynamo.sent).toEqual(
    new Map([
      ["Query", 1],
      ["TransactWriteItems", 1],
    ]),
  );
  world.dynamo.sent.clear();
  await openReplica(world);
  expect(world.dynamo.sent).toEqual(new Map([["Query", 1]]));
});
