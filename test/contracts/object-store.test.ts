import { readdirSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createDirectoryObjectStore } from "../../adapters/directory/object-store.ts";
import { createMemoryObjectStore } from "../../adapters/memory/object-store.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { startChild } from "./child.ts";
import { bytesOf, objectStoreContract, textOf } from "./object-store.ts";

objectStoreContract("a directory", async () => {
  const directory = temporaryDirectory();
  const store = createDirectoryObjectStore(`${directory.path}/made/when/needed`);
  return {
    store,
    async close() {
      await store.close();
      directory[Symbol.dispose]();
    },
  };
});

objectStoreContract("in memory", async () => ({
  store: createMemoryObjectStore(),
  close: async () => undefined,
}));

describe("a directory as object store", () => {
  test("keeps objects and ETags across a restart", async () => {
    using directory = temporaryDirectory();
    const first = createDirectoryObjectStore(directory.path);
    const put = await first.put("a/b", bytesOf("kept"));
    await first.close();
    const second = createDirectoryObjectStore(directory.path);
    expect((await second.head("a/b"))?.etag).toBe(put?.etag);
    expect(await second.put("a/b", bytesOf("next"), { ifMatch: put?.etag ?? "" })).not.toBeNull();
    await second.close();
  });

  test("has exactly one winner among processes racing on one condition", async () => {
    using directory = temporaryDirectory();
    const store = createDirectoryObjectStore(directory.path);
    const writers = ["one", "two", "three"];
    const children = writers.map((writer) =>
      startChild("put-objects", { args: [directory.path, writer] }),
    );
    for (const child of children) expect(await child.line()).toBe("ready");
    let condition: object = { ifAbsent: true };
    for (let round = 0; round < 10; round++) {
      for (const child of children) child.process.stdin?.write(`${JSON.stringify(condition)}\n`);
      const outcomes = await Promise.all(children.map((child) => child.line()));
      const winners = writers.filter((_, index) => outcomes[index] !== "null");
      expect(winners).toHaveLength(1);
      const object = await store.get("raced");
      expect(textOf(object?.bytes)).toBe(winners[0]);
      condition = { ifMatch: object?.etag };
    }
    for (const child of children) await child.finish();
    await store.close();
  });

  test("holds a whole object after kill -9 of its writer, which leaves neither a lock nor a listed file", async () => {
    using directory = temporaryDirectory();
    const store = createDirectoryObjectStore(directory.path);
    for (const roundsBeforeKill of [1, 5, 12]) {
      const child = startChild("put-objects", { args: [directory.path, "killed"] });
      expect(await child.line()).toBe("ready");
      child.process.stdin?.write("forever\n");
      let answered = 0;
      for (let line = await child.line(); line !== null; line = await child.line()) {
        answered = Number(line);
        if (answered === roundsBeforeKill) void child.kill();
      }
      const object = await store.get("raced");
      const value = object?.bytes[0] ?? 0;
      expect(object?.sizeBytes).toBe(100_000);
      expect(value).toBeGreaterThanOrEqual(answered);
      expect(object?.bytes.every((byte) => byte === value)).toBe(true);
      expect(await store.list("")).toEqual([{ key: "raced", sizeBytes: 100_000 }]);
      expect(await store.put("raced", bytesOf("after"))).not.toBeNull();
    }
    await store.close();
  });

  test("clears away what a writer left long ago, not what one may be writing", async () => {
    using directory = temporaryDirectory();
    const first = createDirectoryObjectStore(directory.path);
    await first.put("a", bytesOf("x"));
    await first.close();
    const unfinished = `${directory.path}/%unfinished`;
    writeFileSync(`${unfinished}/1-old`, "left");
    utimesSync(`${unfinished}/1-old`, 1_000_000, 1_000_000);
    writeFileSync(`${unfinished}/2-new`, "being written");
    const second = createDirectoryObjectStore(directory.path);
    await second.put("a", bytesOf("y"));
    expect(readdirSync(unfinished)).toEqual(["2-new"]);
    await second.close();
  });

  test("leaves no empty folders behind", async () => {
    using directory = temporaryDirectory();
    const store = createDirectoryObjectStore(directory.path);
    await store.put("a/b/c/d", bytesOf("x"));
    await store.put("a/e", bytesOf("x"));
    await store.delete("a/b/c/d");
    expect(readdirSync(`${directory.path}/a`)).toEqual(["e.object"]);
    await store.close();
  });

  test("says unavailable where a file is not as it was written, and where the directory cannot be", async () => {
    using directory = temporaryDirectory();
    const store = createDirectoryObjectStore(directory.path);
    await store.put("a", bytesOf("a long enough object, cut by someone"));
    writeFileSync(`${directory.path}/a.object`, "cut");
    const unavailable = { name: "ObjectStoreError", code: "unavailable" };
    await expect(store.get("a")).rejects.toMatchObject(unavailable);
    await store.close();
    writeFileSync(`${directory.path}/file`, "");
    const nowhere = createDirectoryObjectStore(`${directory.path}/file/under`);
    await expect(nowhere.put("a", bytesOf("x"))).rejects.toMatchObject(unavailable);
    await nowhere.close();
  });
});

describe("an object store in memory", () => {
  test("fails when told to, before or after taking effect", async () => {
    const store = createMemoryObjectStore();
    const unavailable = { name: "ObjectStoreError", code: "unavailable" };
    store.failNext("put");
    await expect(store.put("a", bytesOf("x"))).rejects.toMatchObject(unavailable);
    expect(await store.get("a")).toBeNull();
    store.failNext("put", { takesEffect: true, times: 2 });
    await expect(store.put("a", bytesOf("x"))).rejects.toMatchObject(unavailable);
    await expect(store.put("b", bytesOf("x"))).rejects.toMatchObject(unavailable);
    expect(await store.list("")).toHaveLength(2);
    expect(await store.put("c", bytesOf("x"))).not.toBeNull();
  });
});
