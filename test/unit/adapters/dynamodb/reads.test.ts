import { describe, expect, test } from "vitest";
import type { MetadataEntry } from "../../../../ports/metadata-log.ts";
import { bytesOf, dynamoWorld, textOf } from "./dynamo-world.ts";

function texts(entries: MetadataEntry[] | "trimmed"): string[] | "trimmed" {
  return entries === "trimmed"
    ? entries
    : entries.map(({ revision, entry }) => `${revision}:${textOf(entry)}`);
}

describe("reading", () => {
  test("at the head of a log that is known costs one query, also where the next bucket begins", async () => {
    for (const head of [2, 3, 4]) {
      const world = dynamoWorld();
      const log = await world.filled(head);
      for (let polls = 0; polls < 10; polls++) {
        expect(await world.during(log.read(head + 1, 256))).toEqual([]);
      }
      expect(world.dynamo.sent).toEqual(new Map([["Query", 10]]));
    }
  });

  test("a tail costs one query for each bucket", async () => {
    const world = dynamoWorld();
    await world.filled(10);
    expect(texts(await world.during(world.open().read(5, 256)))).toEqual(
      [5, 6, 7, 8, 9, 10].map((revision) => `${revision}:${revision}`),
    );
    expect(world.dynamo.sent).toEqual(new Map([["Query", 2]]));
  });

  test("by a process that has just started tells a head from a trim, at the cost of one get", async () => {
    const world = dynamoWorld();
    await world.filled(6);
    expect(await world.during(world.open().read(7, 256))).toEqual([]);
    expect(world.dynamo.sent).toEqual(
      new Map([
        ["Query", 1],
        ["GetItem", 1],
      ]),
    );
  });

  test.each([3, 4, 9, 12])(
    "by a process that slept at %i while all behind it was trimmed says so",
    async (asleepAt) => {
      const world = dynamoWorld();
      const log = await world.filled(asleepAt);
      const asleep = world.open();
      await world.during(asleep.read(1, 256));
      const meanwhile = (async () => {
        for (let revision = asleepAt + 1; revision <= asleepAt + 12; revision++) {
          await log.append(revision, bytesOf(String(revision)));
        }
        await log.trim(asleepAt + 12);
      })();
      await world.during(meanwhile);
      expect(await world.during(asleep.read(asleepAt + 1, 256))).toBe("trimmed");
      expect(await world.during(world.open().read(asleepAt + 1, 256))).toBe("trimmed");
    },
  );

  test("a page that missed an entry is looked at again", async () => {
    const world = dynamoWorld();
    const log = await world.filled(4);
    const { execute } = world.dynamo.table;
    let isTorn = false;
    // The query passes the place of 5 before 5 is there, and then finds 6 appended behind it.
    world.dynamo.table.execute = (command) => {
      const output = execute(command) as { Items?: { revision: { N: string } }[] };
      if (output.Items === undefined || isTorn) return output;
      isTorn = true;
      return { Items: output.Items.filter(({ revision }) => revision.N !== "5") };
    };
    await world.during(log.append(5, bytesOf("5")));
    await world.during(log.append(6, bytesOf("6")));
    expect(texts(await world.during(log.read(4, 256)))).toEqual(["4:4", "5:5", "6:6"]);
    expect(isTorn).toBe(true);
  });

  test("a log in which an entry is missing for good is unavailable, not shorter", async () => {
    const world = dynamoWorld();
    const log = await world.filled(7);
    world.dynamo.table.itemsOf("c/log/1").delete(5);
    await expect(world.during(log.read(1, 256))).rejects.toMatchObject({ code: "unavailable" });
  });

  test("that a trim overtakes says trimmed instead of giving part", async () => {
    const world = dynamoWorld();
    const log = await world.filled(11);
    const { execute } = world.dynamo.table;
    let queryCount = 0;
    world.dynamo.table.execute = (command) => {
      queryCount += (command as object).constructor.name === "QueryCommand" ? 1 : 0;
      // Behind the first bucket, everything up to the head has gone.
      if (queryCount === 2) {
        world.dynamo.table.execute = execute;
        for (const revision of [4, 5, 6]) world.dynamo.table.itemsOf("c/log/1").delete(revision);
        world.dynamo.table
          .itemsOf("c/log/1")
          .set(7, { log: { S: "c/log/1" }, revision: { N: "7" } });
        Object.assign(world.dynamo.table.itemsOf("c/start").get(0) ?? {}, { first: { N: "11" } });
      }
      return execute(command);
    };
    expect(await world.during(log.read(1, 256))).toBe("trimmed");
  });

  test("is repeated when throttled or lost, and nothing is read twice", async () => {
    const world = dynamoWorld({ seed: 5 });
    await world.filled(10);
    const log = world.open({ throttled: 0.3, lost: 0.2, failed: 0.2, answerLost: 0.1 });
    for (let round = 0; round < 10; round++) {
      const entries = await world.during(log.read(1, 256)).catch(() => null);
      if (entries !== null) expect(entries).toHaveLength(10);
    }
  });
});
