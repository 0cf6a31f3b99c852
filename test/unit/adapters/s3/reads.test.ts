import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { createS3ObjectStore } from "../../../../adapters/s3/object-store.ts";
import { s3Error } from "../../../support/simulated-s3-bucket.ts";
import type { S3Mishap } from "../../../support/simulated-s3.ts";
import { bytesOf, s3World, textOf } from "./s3-world.ts";

const unavailable = { name: "ObjectStoreError", code: "unavailable" };
const digits = "0123456789";

describe("a get", () => {
  test.each<[string, S3Mishap]>([
    ["ends in its midst", { kind: "truncated", isSilent: false }],
    ["stops coming", { kind: "truncated", isSilent: true }],
    ["is lost", { kind: "answerLost", isSilent: true }],
  ])("whose answer %s is made again, and whole", async (_name, mishap) => {
    const world = s3World();
    const store = world.open();
    await world.during(store.put("key", bytesOf(digits)));
    world.s3.script.push(mishap, mishap);
    const object = await world.during(store.get("key", { start: 2, end: 8 }));
    expect(textOf(object?.bytes)).toBe("234567");
    expect(object?.sizeBytes).toBe(10);
    expect(world.s3.sent.get("GetObject")).toBe(3);
  });

  test("whose answers all end in their midst is unavailable", async () => {
    const world = s3World();
    const faulty = world.open({ truncated: 1 });
    await world.during(world.open().put("key", bytesOf(digits)));
    await expect(world.during(faulty.get("key"))).rejects.toMatchObject(unavailable);
  });

  test("has time for what turns out to be large", async () => {
    const world = s3World();
    const sizeBytes = 16_000_000;
    async function* slowly(): AsyncGenerator<Uint8Array> {
      await new Promise<void>((resolve) => void world.clock.after(5_000, resolve));
      yield new Uint8Array(sizeBytes);
    }
    let callCount = 0;
    const send = async (): Promise<object> => {
      callCount++;
      return { ETag: '"x"', ContentLength: sizeBytes, Body: Readable.from(slowly()) };
    };
    const store = world.open(undefined, { client: { send: send as never } });
    expect(await world.during(store.get("key"))).toMatchObject({ sizeBytes });
    expect(callCount).toBe(1);
  });

  test("of a range costs one call, and a HEAD more where the object ends before it", async () => {
    const world = s3World();
    const store = world.open();
    await world.during(store.put("key", bytesOf(digits)));
    world.s3.sent.clear();
    await world.during(store.get("key", { start: 8, end: 20 }));
    expect(world.s3.sent).toEqual(new Map([["GetObject", 1]]));
    const beyond = await world.during(store.get("key", { start: 10, end: 20 }));
    expect(beyond).toMatchObject({ bytes: new Uint8Array(0), sizeBytes: 10 });
    expect(world.s3.sent.get("HeadObject")).toBe(1);
    world.s3.sent.clear();
    const nothing = await world.during(store.get("key", { start: 3, end: 3 }));
    expect(nothing).toMatchObject({ bytes: new Uint8Array(0), sizeBytes: 10 });
    expect(world.s3.sent).toEqual(new Map([["HeadObject", 1]]));
  });

  test.each(["get", "head"] as const)(
    "%s that is forbidden says which permission may be missing, at once",
    async (operation) => {
      const world = s3World();
      // A HEAD has no body to say more in.
      world.s3.script.push({ kind: "error", error: s3Error("Forbidden", 403) });
      await expect(world.during(world.open()[operation]("key"))).rejects.toMatchObject({
        ...unavailable,
        message: expect.stringContaining("s3:ListBucket"),
      });
      expect([...world.s3.sent.values()]).toEqual([1]);
    },
  );
});

describe("a list", () => {
  test("takes as many pages as it needs, and no more", async () => {
    const world = s3World({ maxListed: 3 });
    const store = world.open({}, { prefix: "cells/one" });
    for (const digit of digits) await world.during(store.put(`l/${digit} ü`, bytesOf(digit)));
    await world.during(world.open().put("cells/one-more", bytesOf("x")));
    const keys = (await world.during(store.list("l/"))).map(({ key }) => key);
    expect(keys).toEqual(digits.split("").map((digit) => `l/${digit} ü`));
    expect(world.s3.sent.get("ListObjectsV2")).toBe(4);
    const some = await world.during(store.list("l/", { startAfter: "l/4", limit: 3 }));
    expect(some.map(({ key }) => key)).toEqual(["l/4 ü", "l/5 ü", "l/6 ü"]);
    expect(world.s3.sent.get("ListObjectsV2")).toBe(5);
  });

  test("leaves out what consoles make to show a folder", async () => {
    const world = s3World({ maxListed: 1 });
    world.s3.bucket.objects.set("a/", { bytes: bytesOf(""), etag: '"x"', metadata: {} });
    const store = world.open();
    await world.during(store.put("a/b", bytesOf("x")));
    expect(await world.during(store.list(""))).toEqual([{ key: "a/b", sizeBytes: 1 }]);
  });

  test("of a bucket that has no order is unavailable", async () => {
    const world = s3World();
    const store = world.open(undefined, {
      client: {
        send: (async () => ({
          Contents: [
            { Key: "b", Size: 1 },
            { Key: "a", Size: 1 },
          ],
        })) as never,
      },
    });
    await expect(world.during(store.list(""))).rejects.toMatchObject(unavailable);
  });
});

test("a delete is repeated until it is answered, also of what is gone", async () => {
  const world = s3World();
  const store = world.open();
  await world.during(store.put("key", bytesOf("x")));
  const slow: S3Mishap = { kind: "error", error: s3Error("SlowDown", 503) };
  world.s3.script.push(slow, { kind: "answerLost", isSilent: true });
  await world.during(store.delete("key"));
  await world.during(store.delete("key"));
  expect(world.stored()).toEqual({});
  expect(world.s3.sent.get("DeleteObject")).toBe(4);
});

test("a directory bucket is refused, for it lists in no order", () => {
  const world = s3World();
  expect(() =>
    createS3ObjectStore({
      client: world.s3.client(),
      clock: world.clock,
      random: createSeededRandom(1),
      bucket: "cell--use1-az4--x-s3",
    }),
  ).toThrow("directory bucket");
});
