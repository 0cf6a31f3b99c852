import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNodeClock } from "../../../adapters/node/clock.ts";
import { createNodeRandom } from "../../../adapters/node/random.ts";
import { createS3ObjectStore } from "../../../adapters/s3/object-store.ts";
import type { S3ObjectStoreOptions } from "../../../adapters/s3/object-store.ts";
import type { ObjectStore, PutCondition } from "../../../ports/object-store.ts";
import { bytesOf, objectStoreContract } from "../../contracts/object-store.ts";
import { startBreakingProxy } from "../../support/breaking-proxy.ts";
import { ministack, versitygw } from "../../support/s3-servers.ts";
import type { S3Server, S3ServerProgram } from "../../support/s3-servers.ts";

const bucket = "objects";
const mebibyte = 1024 * 1024;
/** The smallest that S3 takes, for objects that are still quick to send. */
const smallParts = { fromBytes: 8 * mebibyte, partBytes: 5 * mebibyte };

function suite(program: S3ServerProgram, skippedTests: Record<string, string>): void {
  const skipped = program.unavailable();
  if (skipped !== null) console.log(skipped);

  describe.skipIf(skipped !== null)(`on ${program.name}`, () => {
    let server: S3Server;
    let storeCount = 0;

    beforeAll(async () => {
      server = await program.start(bucket);
    });

    afterAll(() => server.stop());

    function openStore(options: Partial<S3ObjectStoreOptions> = {}): ObjectStore {
      return createS3ObjectStore({
        client: server.connect(),
        clock: createNodeClock(),
        random: createNodeRandom(),
        bucket,
        prefix: `store/${++storeCount}`,
        ...options,
      });
    }

    objectStoreContract(
      `S3, as ${program.name} has it`,
      async () => ({ store: openStore(), close: async () => undefined }),
      { skipped: skippedTests },
    );

    async function uploadsLeft(): Promise<number> {
      const left = await server.connect().send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      return left.Uploads?.length ?? 0;
    }

    test("an object in parts is one object, under the same conditions, and leaves no parts behind", async () => {
      const store = openStore({ partSizes: smallParts });
      const bytes = patternOf(11 * mebibyte + 13, 1);
      const first = await store.put("large", bytes, { ifAbsent: true });
      expect(await store.put("large", patternOf(9 * mebibyte, 2), { ifAbsent: true })).toBeNull();
      expect(
        await store.put("large", patternOf(9 * mebibyte, 2), { ifMatch: '"none"' }),
      ).toBeNull();
      const object = await store.get("large");
      expect(object?.etag).toBe(first?.etag);
      expect(Buffer.compare(object?.bytes ?? bytesOf(""), bytes)).toBe(0);
      const seam = await store.get("large", { start: 5 * mebibyte - 3, end: 5 * mebibyte + 3 });
      expect(seam?.bytes).toEqual(bytes.slice(5 * mebibyte - 3, 5 * mebibyte + 3));
      expect(seam?.sizeBytes).toBe(11 * mebibyte + 13);
      const second = await store.put("large", patternOf(9 * mebibyte, 2), {
        ifMatch: first?.etag ?? "",
      });
      expect(await store.head("large")).toEqual({ etag: second?.etag, sizeBytes: 9 * mebibyte });
      expect(await store.put("gone", bytes, { ifMatch: first?.etag ?? "" })).toBeNull();
      expect(await uploadsLeft()).toBe(0);
    });

    test("of eight writers racing for many rounds, in one put or in parts, exactly one wins each", async () => {
      const writers = Array.from({ length: 8 }, (_, writer) => ({
        name: `writer ${writer}`,
        store: openStore({
          prefix: "raced",
          // Two of them in parts, whatever the size.
          ...(writer < 2 ? { partSizes: { fromBytes: 0, partBytes: 5 * mebibyte } } : {}),
        }),
      }));
      let condition: PutCondition = { ifAbsent: true };
      for (let round = 0; round < 20; round++) {
        const outcomes = await Promise.all(
          writers.map(async ({ name, store }) => ({
            name,
            outcome: await store.put("key", bytesOf(`${round} of ${name}`), condition),
          })),
        );
        const winners = outcomes.filter(({ outcome }) => outcome !== null);
        expect(winners).toHaveLength(1);
        const object = await writers[0]?.store.get("key");
        expect(Buffer.from(object?.bytes ?? []).toString()).toBe(`${round} of ${winners[0]?.name}`);
        expect(object?.etag).toBe(winners[0]?.outcome?.etag);
        condition = { ifMatch: object?.etag ?? "" };
      }
      expect(await uploadsLeft()).toBe(0);
    });

    test("a put whose answer is lost on the way is known as the writer's own, and bodies that break off are read again", async () => {
      const proxy = await startBreakingProxy(server.port);
      const client = server.connect(proxy.port);
      for (const partSizes of [smallParts, { fromBytes: 0, partBytes: 5 * mebibyte }]) {
        const store = openStore({ client, partSizes });
        for (const sizeBytes of [100, 2 * mebibyte]) {
          const key = `size/${sizeBytes}`;
          const bytes = patternOf(sizeBytes, 1);
          // In parts, it is the first of three calls that is not heard; the others follow.
          proxy.breakAnswerAfter(0);
          const first = await store.put(key, bytes, { ifAbsent: true });
          expect(first).not.toBeNull();
          proxy.breakAnswerAfter(20);
          const second = await store.put(key, patternOf(sizeBytes, 2), {
            ifMatch: first?.etag ?? "",
          });
          expect(await store.head(key)).toEqual({ etag: second?.etag, sizeBytes });
          proxy.breakAnswerAfter(100 + sizeBytes / 2);
          const object = await store.get(key);
          expect(Buffer.compare(object?.bytes ?? bytesOf(""), patternOf(sizeBytes, 2))).toBe(0);
        }
      }
      expect(proxy.brokenCount).toBe(12);
      await proxy.close();
    });

    test("stores under different prefixes have nothing in common", async () => {
      const one = openStore({ prefix: "cells/one" });
      const two = openStore({ prefix: "cells/one-more" });
      await one.put("key", bytesOf("of one"));
      expect(await two.list("")).toEqual([]);
      expect(await two.put("key", bytesOf("of two"), { ifAbsent: true })).not.toBeNull();
      expect(await one.list("")).toEqual([{ key: "key", sizeBytes: 6 }]);
      await two.delete("key");
      expect(await one.head("key")).not.toBeNull();
    });

    test("a list of more than a page of S3's goes on by itself", async () => {
      const store = openStore();
      const keys = Array.from(
        { length: 1_100 },
        (_, index) => `k/${String(index).padStart(6, "0")}`,
      );
      for (let index = 0; index < keys.length; index += 50) {
        await Promise.all(keys.slice(index, index + 50).map((key) => store.put(key, bytesOf(key))));
      }
      expect(await store.list("k/")).toHaveLength(1_000);
      const all = await store.list("k/", { limit: 5_000 });
      expect(all.map(({ key }) => key)).toEqual(keys);
    });

    test("a bucket that is not there is unavailable at once, and says so", async () => {
      const store = openStore({ bucket: "another" });
      const unavailable = {
        name: "ObjectStoreError",
        code: "unavailable",
        message: expect.stringContaining("NoSuchBucket"),
      };
      await expect(store.put("key", bytesOf("x"))).rejects.toMatchObject(unavailable);
      await expect(store.get("key")).rejects.toMatchObject(unavailable);
      await expect(store.list("")).rejects.toMatchObject(unavailable);
    });
  });
}

function patternOf(sizeBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let index = 0; index < sizeBytes; index++) bytes[index] = (index * 31 + seed * 17) >>> 3;
  return bytes;
}

suite(versitygw, {
  "a key may go on below another": "its objects are files and its levels folders; S3's are neither",
});
suite(ministack, {});
