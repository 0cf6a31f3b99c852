import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ObjectStore } from "../../ports/object-store.ts";

export type ObjectStoreUnderTest = { store: ObjectStore; close: () => Promise<void> };

export type ObjectStoreContractOptions = {
  /** Names of tests that a server is known to fail where S3 does not, each with the reason. */
  skipped?: Readonly<Record<string, string>>;
};

/** What every ObjectStore does. */
export function objectStoreContract(
  name: string,
  open: () => Promise<ObjectStoreUnderTest>,
  { skipped = {} }: ObjectStoreContractOptions = {},
): void {
  describe(`an object store: ${name}`, () => {
    let store: ObjectStore;
    let close: () => Promise<void>;

    beforeEach(async ({ task, skip }) => {
      const reason = skipped[task.name];
      if (reason !== undefined) skip(reason);
      ({ store, close } = await open());
    });

    afterEach(() => close());

    async function putAll(keys: readonly string[]): Promise<void> {
      for (const key of keys) await store.put(key, bytesOf(`at ${key}`));
    }

    async function listed(...query: Parameters<ObjectStore["list"]>): Promise<string[]> {
      return (await store.list(...query)).map(({ key }) => key);
    }

    test("an object is read as it was put, whole, by its head, and in the list", async () => {
      const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index * 7);
      const put = await store.put("cells/main/object", bytes);
      bytes.fill(0);
      const object = await store.get("cells/main/object");
      expect(object?.etag).toBe(put?.etag);
      expect(object?.sizeBytes).toBe(100_000);
      expect(object?.bytes).toEqual(Uint8Array.from({ length: 100_000 }, (_, index) => index * 7));
      expect(await store.head("cells/main/object")).toEqual({
        etag: put?.etag,
        sizeBytes: 100_000,
      });
      expect(await store.list("")).toEqual([{ key: "cells/main/object", sizeBytes: 100_000 }]);
    });

    test("an object may be empty", async () => {
      await store.put("empty", new Uint8Array(0));
      expect(await store.get("empty")).toMatchObject({ bytes: new Uint8Array(0), sizeBytes: 0 });
      expect(await store.list("e")).toEqual([{ key: "empty", sizeBytes: 0 }]);
    });

    test("what does not exist is null, and deleting it does nothing", async () => {
      expect(await store.get("nothing")).toBeNull();
      expect(await store.head("a/deep/nothing")).toBeNull();
      await store.delete("a/deep/nothing");
      expect(await store.list("")).toEqual([]);
    });

    test("a range is cut at the object's end", async () => {
      await store.put("digits", bytesOf("0123456789"));
      const range = async (start: number, end: number): Promise<string | null> => {
        const object = await store.get("digits", { start, end });
        expect(object?.sizeBytes).toBe(10);
        return object === null ? null : textOf(object.bytes);
      };
      expect(await range(0, 4)).toBe("0123");
      expect(await range(3, 4)).toBe("3");
      expect(await range(7, 100)).toBe("789");
      expect(await range(10, 20)).toBe("");
      expect(await range(15, 20)).toBe("");
      expect(await store.get("nothing", { start: 0, end: 1 })).toBeNull();
    });

    test("a put replaces, under another ETag", async () => {
      const first = await store.put("key", bytesOf("a longer first version"));
      const second = await store.put("key", bytesOf("second"));
      expect(second?.etag).not.toBe(first?.etag);
      const object = await store.get("key");
      expect(object?.etag).toBe(second?.etag);
      expect(textOf(object?.bytes)).toBe("second");
    });

    test("ifAbsent stores only what does not exist, again after a delete", async () => {
      expect(await store.put("key", bytesOf("first"), { ifAbsent: true })).not.toBeNull();
      expect(await store.put("key", bytesOf("second"), { ifAbsent: true })).toBeNull();
      expect(textOf((await store.get("key"))?.bytes)).toBe("first");
      await store.delete("key");
      expect(await store.get("key")).toBeNull();
      expect(await store.put("key", bytesOf("third"), { ifAbsent: true })).not.toBeNull();
    });

    test("ifMatch replaces only what has that ETag", async () => {
      expect(await store.put("key", bytesOf("x"), { ifMatch: '"none"' })).toBeNull();
      expect(await store.get("key")).toBeNull();
      const first = await store.put("key", bytesOf("first"));
      const second = await store.put("key", bytesOf("second"), { ifMatch: first?.etag ?? "" });
      expect(second).not.toBeNull();
      expect(await store.put("key", bytesOf("late"), { ifMatch: first?.etag ?? "" })).toBeNull();
      expect(textOf((await store.get("key"))?.bytes)).toBe("second");
      await store.delete("key");
      expect(await store.put("key", bytesOf("x"), { ifMatch: second?.etag ?? "" })).toBeNull();
    });

    test("of eight writers racing on one condition exactly one wins, and its object is there", async () => {
      let condition: Parameters<ObjectStore["put"]>[2] = { ifAbsent: true };
      for (let round = 0; round < 5; round++) {
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, (_, writer) =>
            store.put("raced", bytesOf(`${round} by ${writer}`), condition),
          ),
        );
        const winners = outcomes.flatMap((outcome, writer) =>
          outcome === null ? [] : [{ writer, etag: outcome.etag }],
        );
        expect(winners).toHaveLength(1);
        const object = await store.get("raced");
        expect(object?.etag).toBe(winners[0]?.etag);
        expect(textOf(object?.bytes)).toBe(`${round} by ${winners[0]?.writer}`);
        condition = { ifMatch: object?.etag ?? "" };
      }
    });

    test("keys are listed in the order of their UTF-8 bytes, whatever their levels", async () => {
      const inOrder = ["A", "a-b", "a.b", "a/b/c", "a/c", "a0", "b/z", "b/\uFF5E", "b/\u{1F600}"];
      await putAll(inOrder.toReversed());
      expect(await listed("")).toEqual(inOrder);
    });

    test("a key may go on below another", async () => {
      const inOrder = ["a", "a-b", "a.object", "a.object/b", "a/b", "a/b/c", "a0"];
      await putAll(inOrder.toReversed());
      expect(await listed("")).toEqual(inOrder);
      for (const key of inOrder) expect(textOf((await store.get(key))?.bytes)).toBe(`at ${key}`);
      await store.delete("a/b");
      await store.delete("a");
      expect(await listed("a/")).toEqual(["a/b/c"]);
    });

    test("a prefix need not end at a level", async () => {
      await putAll(["cells/main/1", "cells/main/2", "cells/mainly/3", "cells/other", "cell"]);
      expect(await listed("cells/main")).toEqual([
        "cells/main/1",
        "cells/main/2",
        "cells/mainly/3",
      ]);
      expect(await listed("cells/main/")).toEqual(["cells/main/1", "cells/main/2"]);
      expect(await listed("cells/main/2")).toEqual(["cells/main/2"]);
      expect(await listed("ce")).toHaveLength(5);
      expect(await listed("cells/main/2/")).toEqual([]);
      expect(await listed("../")).toEqual([]);
      expect(await listed("/")).toEqual([]);
      expect(await listed("cells//")).toEqual([]);
    });

    test("a list goes on after a key, existing or not, and stops at its limit", async () => {
      const keys = ["l/1", "l/2/a", "l/2/b", "l/3", "l/4"];
      await putAll(keys);
      expect(await listed("l/", { limit: 2 })).toEqual(["l/1", "l/2/a"]);
      expect(await listed("l/", { limit: 2, startAfter: "l/2/a" })).toEqual(["l/2/b", "l/3"]);
      expect(await listed("l/", { startAfter: "l/25" })).toEqual(["l/3", "l/4"]);
      expect(await listed("l/", { startAfter: "l/4" })).toEqual([]);
      const paged: string[] = [];
      for (;;) {
        const after = paged.at(-1);
        const page = await listed(
          "",
          after === undefined ? { limit: 2 } : { limit: 2, startAfter: after },
        );
        if (page.length === 0) break;
        paged.push(...page);
      }
      expect(paged).toEqual(keys);
    });

    test("keys of unusual characters are kept apart", async () => {
      const keys = [
        "a b",
        "a%20b",
        "a\\b",
        "a:b",
        "ü/é?",
        "-",
        "~",
        "a.object",
        "a.unfinished",
        ".hidden",
        "con/nul",
        "%2F",
        "line\nbreak",
      ];
      await putAll(keys);
      expect((await listed("")).toSorted()).toEqual(keys.toSorted());
      for (const key of keys) expect(textOf((await store.get(key))?.bytes)).toBe(`at ${key}`);
    });

    test.each([
      ["empty", ""],
      ["of an empty segment", "a//b"],
      ["that begins with a slash", "/etc/passwd"],
      ["that ends with a slash", "a/"],
      ["that climbs", "../outside"],
      ["that climbs within", "a/../../outside"],
      ["of a dot", "a/./b"],
      ["with a NUL", "a\0b"],
      ["too long", "a/".repeat(512) + "b"],
      ["of a segment too long", "s".repeat(300)],
      ["of half a character", "a\uD800"],
    ])("a key %s is invalid", async (_what, key) => {
      const invalid = { name: "ObjectStoreError", code: "invalid" };
      await expect(store.put(key, bytesOf("x"))).rejects.toMatchObject(invalid);
      await expect(store.get(key)).rejects.toMatchObject(invalid);
      await expect(store.head(key)).rejects.toMatchObject(invalid);
      await expect(store.delete(key)).rejects.toMatchObject(invalid);
      expect(await store.list("")).toEqual([]);
    });

    test("puts and deletes that race under one level leave the puts that came last", async () => {
      for (let round = 0; round < 10; round++) {
        const racing = ["x", "y", "z"].map(async (name) => {
          await store.put(`level/deep/${name}`, bytesOf("first"));
          await store.delete(`level/deep/${name}`);
          if (name !== "z") await store.put(`level/deep/${name}`, bytesOf("last"));
        });
        await Promise.all(racing);
        expect(await listed("level/")).toEqual(["level/deep/x", "level/deep/y"]);
        await Promise.all(["x", "y"].map((name) => store.delete(`level/deep/${name}`)));
      }
    });
  });
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

export function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
