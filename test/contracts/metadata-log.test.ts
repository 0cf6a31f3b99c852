import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { createDynamoMetadataLog } from "../../adapters/dynamodb/metadata-log.ts";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createMemoryMetadataStore } from "../../adapters/memory/metadata-log.ts";
import { createNodeClock } from "../../adapters/node/clock.ts";
import { createNodeRandom } from "../../adapters/node/random.ts";
import { openSqliteMetadataLog } from "../../adapters/sqlite/metadata-log.ts";
import { createSimulatedDynamo } from "../support/simulated-dynamo.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { startChild } from "./child.ts";
import { entryOf, metadataLogContract, read } from "./metadata-log.ts";

const clock = createNodeClock();

metadataLogContract("in SQLite", async () => {
  const directory = temporaryDirectory();
  const path = `${directory.path}/metadata.db`;
  return {
    open: () => openSqliteMetadataLog(path, { clock, version: 1, pollMs: 5 }),
    close: async () => directory[Symbol.dispose](),
  };
});

metadataLogContract("in memory", async () => {
  const store = createMemoryMetadataStore();
  return { open: async () => store.open(), close: async () => undefined };
});

// The same suite runs over AWS's own DynamoDB Local in test/integration/dynamodb. Buckets of four, so that every test crosses their bounds.
metadataLogContract(
  "in a simulated DynamoDB",
  async () => {
    const random = createNodeRandom();
    const dynamo = createSimulatedDynamo({ clock, random });
    const place = { tableName: "metadata", cell: "cell", entriesPerBucket: 4 };
    return {
      open: async () =>
        createDynamoMetadataLog({ client: dynamo.client(), clock, random, ...place }),
      close: async () => undefined,
    };
  },
  { hasHints: false },
);

describe("a metadata log in SQLite", () => {
  test("keeps its entries across a restart", async () => {
    using directory = temporaryDirectory();
    const path = `${directory.path}/metadata.db`;
    const first = await openSqliteMetadataLog(path, { clock, version: 1 });
    await first.genesis(1, entryOf("one"));
    await first.append(2, entryOf("two"));
    await first.close();
    const second = await openSqliteMetadataLog(path, { clock, version: 1 });
    expect(await read(second, 1)).toEqual(["1 one", "2 two"]);
    await second.close();
  });

  test("shared by three processes has one winner for each revision and every winner's entry", async () => {
    using directory = temporaryDirectory();
    const path = `${directory.path}/metadata.db`;
    const log = await openSqliteMetadataLog(path, { clock, version: 1 });
    await log.genesis(1, entryOf("genesis"));
    const writers = ["a", "b", "c"];
    const count = 25;
    const children = writers.map((writer) =>
      startChild("append-entries", { args: [path, writer, String(count)] }),
    );
    for (const child of children) expect(await child.line()).toBe("ready");
    for (const child of children) child.process.stdin?.write("go\n");
    const won = await Promise.all(
      children.map(async (child): Promise<number[]> => JSON.parse((await child.line()) ?? "[]")),
    );
    for (const child of children) await child.finish();
    const expected = won.flatMap((revisions, index) =>
      revisions.map((revision, entry) => ({ revision, text: `${writers[index]}/${entry}` })),
    );
    expected.sort((a, b) => a.revision - b.revision);
    expect(await read(log, 2)).toEqual(expected.map(({ revision, text }) => `${revision} ${text}`));
    expect(expected.at(-1)?.revision).toBe(1 + 3 * count);
    await log.close();
  });

  test("opened by many at once is created once", async () => {
    using directory = temporaryDirectory();
    const path = `${directory.path}/metadata.db`;
    const logs = await Promise.all(
      Array.from({ length: 10 }, () => openSqliteMetadataLog(path, { clock, version: 1 })),
    );
    expect(await logs[0]?.genesis(1, entryOf("x"))).toBe("accepted");
    expect(await logs[9]?.genesis(1, entryOf("x"))).toBe("conflict");
    await Promise.all(logs.map((log) => log.close()));
  });

  test("refuses a file from a newer version and takes over one from an older", async () => {
    using directory = temporaryDirectory();
    const path = `${directory.path}/metadata.db`;
    const first = await openSqliteMetadataLog(path, { clock, version: 2 });
    await first.close();
    await expect(openSqliteMetadataLog(path, { clock, version: 1 })).rejects.toMatchObject({
      name: "MetadataFormatError",
      found: 2,
      supported: 1,
    });
    const raised = await openSqliteMetadataLog(path, { clock, version: 3 });
    await raised.close();
    await expect(openSqliteMetadataLog(path, { clock, version: 2 })).rejects.toMatchObject({
      found: 3,
    });
  });

  test("refuses a file that is something else, and leaves it alone", async () => {
    using directory = temporaryDirectory();
    const noDatabase = `${directory.path}/text.db`;
    writeFileSync(noDatabase, "not a database, but long enough to have a header".repeat(20));
    const foreign = `${directory.path}/foreign.db`;
    const database = new DatabaseSync(foreign);
    database.exec("CREATE TABLE theirs (id INTEGER)");
    database.close();
    const refused = { name: "MetadataFormatError", found: null };
    for (const path of [noDatabase, foreign]) {
      await expect(openSqliteMetadataLog(path, { clock, version: 1 })).rejects.toMatchObject(
        refused,
      );
    }
    const again = new DatabaseSync(foreign);
    expect(again.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "theirs" }]);
    again.close();
  });

  test("waits for another process's transaction, and is unavailable if that does not end", async () => {
    using directory = temporaryDirectory();
    const path = `${directory.path}/metadata.db`;
    const manual = createManualClock();
    const log = await openSqliteMetadataLog(path, { clock: manual, version: 1 });
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const waiting = log.genesis(1, entryOf("x"));
    await manual.advance(1_000);
    other.exec("ROLLBACK");
    await manual.advance(100);
    expect(await waiting).toBe("accepted");
    other.exec("BEGIN IMMEDIATE");
    const stuck = log.append(2, entryOf("y")).catch((error: unknown) => error);
    await manual.advance(60_000);
    expect(await stuck).toMatchObject({ name: "MetadataLogError", code: "unavailable" });
    other.close();
    expect(await read(log, 1)).toEqual(["1 x"]);
    await log.close();
  });

  test("looks for other processes' appends only while someone listens", async () => {
    using directory = temporaryDirectory();
    const manual = createManualClock();
    const options = { clock: manual, version: 1 };
    const log = await openSqliteMetadataLog(`${directory.path}/metadata.db`, options);
    expect(manual.nextDueMs()).toBeNull();
    const stop = log.onAppend(() => undefined);
    expect(manual.nextDueMs()).not.toBeNull();
    stop();
    expect(manual.nextDueMs()).toBeNull();
    log.onAppend(() => undefined);
    await log.close();
    expect(manual.nextDueMs()).toBeNull();
  });
});

describe("a metadata log in memory", () => {
  test("can leave the outcome of an append unknown, taken or not", async () => {
    const store = createMemoryMetadataStore();
    const log = store.open();
    await log.genesis(1, entryOf("genesis"));
    const unavailable = { name: "MetadataLogError", code: "unavailable" };
    store.failNext("append", { takesEffect: false });
    await expect(log.append(2, entryOf("lost"))).rejects.toMatchObject(unavailable);
    expect(await read(log, 1)).toEqual(["1 genesis"]);
    store.failNext("append", { takesEffect: true });
    await expect(log.append(2, entryOf("taken"))).rejects.toMatchObject(unavailable);
    expect(await read(log, 2)).toEqual(["2 taken"]);
    expect(await log.append(3, entryOf("next"))).toBe("accepted");
  });
});
