import { describe, expect, test } from "vitest";
import type { S3ObjectStoreOptions } from "../../../../adapters/s3/object-store.ts";
import { s3Error } from "../../../support/simulated-s3-bucket.ts";
import type { S3Mishap } from "../../../support/simulated-s3.ts";
import { bytesOf, s3World } from "./s3-world.ts";

const unavailable = { name: "ObjectStoreError", code: "unavailable" };
const lost = (isSilent: boolean): S3Mishap => ({ kind: "lost", isSilent });
const answerLost = (isSilent: boolean): S3Mishap => ({ kind: "answerLost", isSilent });
const failing = (name: string, status: number): S3Mishap => ({
  kind: "error",
  error: s3Error(name, status),
});
const always = (mishap: S3Mishap, count = 1_000): S3Mishap[] =>
  Array.from({ length: count }, () => mishap);
const inParts: Partial<S3ObjectStoreOptions> = { partSizes: { fromBytes: 8, partBytes: 5 } };
/** With each, how an object of twelve bytes is put, and which call decides. */
const ways: [string, Partial<S3ObjectStoreOptions>, number][] = [
  ["whole", {}, 0],
  ["in parts", inParts, 4],
];
const passing = (count: number): null[] => Array.from({ length: count }, () => null);

describe("a put", () => {
  test.each<[string, S3Mishap]>([
    ["for its rate", failing("SlowDown", 503)],
    ["by a server error", failing("InternalError", 500)],
    ["for another put at the same time", failing("ConditionalRequestConflict", 409)],
    ["for credentials that have run out", failing("ExpiredToken", 400)],
    ["for bytes damaged on the way", failing("BadDigest", 400)],
    ["for a body that did not come", failing("RequestTimeout", 400)],
    ["by KMS for its rate", failing("ThrottlingException", 400)],
  ])("that is refused %s is tried again", async (_name, mishap) => {
    const world = s3World();
    world.s3.script.push(mishap, mishap, mishap);
    const put = world.open().put("key", bytesOf("x"), { ifAbsent: true });
    expect(await world.during(put)).not.toBeNull();
    expect(world.s3.sent.get("PutObject")).toBe(4);
  });

  test.each<[string, S3Mishap]>([
    ["refused for its rate", failing("SlowDown", 503)],
    ["in another's way", failing("ConditionalRequestConflict", 409)],
    ["lost", lost(true)],
    ["cut off", lost(false)],
  ])(
    "that is %s for ever is unavailable, after a bounded number of attempts in a bounded time",
    async (_name, mishap) => {
      const world = s3World();
      world.s3.script.push(...always(mishap));
      await expect(
        world.during(world.open().put("key", bytesOf("x"), { ifAbsent: true })),
      ).rejects.toMatchObject(unavailable);
      expect(world.clock.monotonicMs()).toBeLessThanOrEqual(10_100);
      expect(world.s3.sent.get("PutObject")).toBeLessThan(40);
    },
  );

  test.each([
    ["AccessDenied", 403],
    ["NoSuchBucket", 404],
    ["PermanentRedirect", 301],
    ["InvalidRequest", 400],
  ])("that meets %s is unavailable at once, and says so", async (name, status) => {
    const world = s3World();
    world.s3.script.push(failing(name, status));
    await expect(world.during(world.open().put("key", bytesOf("x")))).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining(name),
    });
    expect(world.s3.sent).toEqual(new Map([["PutObject", 1]]));
  });

  test("has time for its bytes", async () => {
    const world = s3World({ latencyMs: 0 });
    world.s3.script.push({ kind: "late", delayMs: 4_000 });
    // Sixteen megabytes may take four seconds beside the two of a small object.
    const put = world.open().put("key", new Uint8Array(16_000_000));
    expect(await world.during(put)).not.toBeNull();
    expect(world.s3.sent.get("PutObject")).toBe(1);
  });

  test("waits at random between attempts, so that two who met do not meet again", async () => {
    const tries = async (seed: number): Promise<number> => {
      const world = s3World({ seed, latencyMs: 0 });
      world.s3.script.push(...always(failing("SlowDown", 503), 5));
      await world.during(world.open().put("key", bytesOf("x")));
      return world.clock.monotonicMs();
    };
    expect(new Set(await Promise.all([1, 2, 3, 4].map(tries))).size).toBe(4);
  });

  test("through a client that never settles is unavailable all the same", async () => {
    const world = s3World();
    const stuck = world.open(undefined, { client: { send: () => new Promise(() => undefined) } });
    await expect(world.during(stuck.put("key", bytesOf("x")))).rejects.toMatchObject(unavailable);
  });

  test("costs one call; one that is too late a HEAD more", async () => {
    const world = s3World();
    const store = world.open();
    await world.during(store.put("key", bytesOf("x"), { ifAbsent: true }));
    expect(world.s3.sent).toEqual(new Map([["PutObject", 1]]));
    expect(await world.during(store.put("key", bytesOf("y"), { ifAbsent: true }))).toBeNull();
    expect(world.s3.sent).toEqual(
      new Map([
        ["PutObject", 2],
        ["HeadObject", 1],
      ]),
    );
  });

  test("says how the object is to be encrypted", async () => {
    const world = s3World();
    const store = world.open({}, { kmsKeyId: "alias/cell" });
    const encryption = {
      ServerSideEncryption: "aws:kms",
      SSEKMSKeyId: "alias/cell",
      BucketKeyEnabled: true,
    };
    await world.during(store.put("key", bytesOf("x")));
    expect(world.s3.lastInput.value).toMatchObject(encryption);
    world.s3.script.push(failing("AccessDenied", 403));
    const large = world.open({}, { kmsKeyId: "alias/cell", ...inParts });
    await expect(world.during(large.put("key", bytesOf("twelve bytes")))).rejects.toThrow();
    expect(world.s3.sent.get("CreateMultipartUpload")).toBe(1);
    expect(world.s3.lastInput.value).toMatchObject(encryption);
  });
});

describe.each(ways)("a conditional put %s", (_way, options, callsBefore) => {
  const mine = bytesOf("twelve bytes");

  test.each<[string, S3Mishap]>([
    ["in silence", answerLost(true)],
    ["with the connection", answerLost(false)],
    ["twice over", { kind: "twice" }],
  ])("that took effect, its answer lost %s, is known by its nonce", async (_name, mishap) => {
    const world = s3World();
    world.s3.script.push(...passing(callsBefore), mishap);
    const store = world.open({}, options);
    const put = await world.during(store.put("key", mine, { ifAbsent: true }));
    expect(put).not.toBeNull();
    expect(await world.during(store.head("key"))).toMatchObject({ etag: put?.etag });
    const before = world.s3.bucket.objects.get("key")?.etag ?? "";
    world.s3.script.push(...passing(callsBefore), mishap);
    const next = store.put("key", bytesOf("twelve more."), { ifMatch: before });
    expect(await world.during(next)).not.toBeNull();
    expect(world.stored()).toEqual({ key: "twelve more." });
    expect(world.s3.bucket.uploads.size).toBe(0);
  });

  test("with the bytes of another writer is not taken for the other's", async () => {
    const world = s3World();
    await world.during(world.open().put("key", mine));
    const put = world.open({}, options).put("key", mine, { ifAbsent: true });
    expect(await world.during(put)).toBeNull();
    expect(world.s3.bucket.uploads.size).toBe(0);
  });

  test("that never arrived, another having won, is unavailable: it may have been first", async () => {
    const world = s3World();
    world.s3.script.push(...passing(callsBefore), lost(true));
    const uncertain = world.open({}, options).put("key", mine, { ifAbsent: true });
    await world.clock.advance(1_000);
    await world.during(world.open().put("key", bytesOf("other's")));
    await expect(world.during(uncertain)).rejects.toMatchObject(unavailable);
    expect(world.stored()).toEqual({ key: "other's" });
    expect(world.s3.bucket.uploads.size).toBe(0);
  });

  test("whose object was replaced before anybody had heard of it is unavailable, not lost", async () => {
    const world = s3World();
    world.s3.script.push(...passing(callsBefore), answerLost(true));
    const replaced = world.open({}, options).put("key", mine, { ifAbsent: true });
    await world.clock.advance(1_000);
    const etag = world.s3.bucket.objects.get("key")?.etag ?? "";
    const next = world.open().put("key", bytesOf("next"), { ifMatch: etag });
    expect(await world.during(next)).not.toBeNull();
    await expect(world.during(replaced)).rejects.toMatchObject(unavailable);
  });

  test("that waits for what is not there is unmet", async () => {
    const world = s3World();
    const put = world.open({}, options).put("key", mine, { ifMatch: '"some"' });
    expect(await world.during(put)).toBeNull();
    expect(world.stored()).toEqual({});
    expect(world.s3.bucket.uploads.size).toBe(0);
  });
});

describe("an object in parts", () => {
  const text = "a longer text that goes in many parts";

  test("is put together in order, each part tried again by itself", async () => {
    const world = s3World();
    const slow = failing("SlowDown", 503);
    world.s3.script.push(null, slow, lost(false), answerLost(true), null, slow);
    const store = world.open({}, inParts);
    expect(await world.during(store.put("key", bytesOf(text)))).not.toBeNull();
    expect(world.stored()).toEqual({ key: text });
    expect(world.s3.sent.get("UploadPart")).toBe(Math.ceil(text.length / 5) + 4);
    expect(world.s3.sent.get("CreateMultipartUpload")).toBe(1);
  });

  test("leaves no parts behind when one of them cannot be put", async () => {
    const world = s3World();
    world.s3.script.push(null, null, failing("AccessDenied", 403));
    await expect(
      world.during(world.open({}, inParts).put("key", bytesOf(text))),
    ).rejects.toMatchObject(unavailable);
    expect(world.s3.bucket.uploads.size).toBe(0);
    expect(world.s3.sent.get("UploadPart")).toBeLessThan(Math.ceil(text.length / 5));
    expect(world.stored()).toEqual({});
  });

  test("whose upload was aborted by somebody else is unavailable", async () => {
    const world = s3World();
    const put = world.open({}, inParts).put("key", bytesOf(text));
    await world.clock.advance(25);
    world.s3.bucket.uploads.clear();
    await expect(world.during(put)).rejects.toMatchObject(unavailable);
  });
});
