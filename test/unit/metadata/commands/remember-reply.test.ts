import { expect, test } from "vitest";

import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import type { Command } from "../../../../metadata/commands/command.ts";
import {
  expireIdempotencyKeys,
  rememberReply,
} from "../../../../metadata/commands/remember-reply.ts";
import { accepted } from "../../../../metadata/commands/command.ts";
import { limits } from "../../../../metadata/limits.ts";
import { maxMetadataEntryBytes } from "../../../../ports/metadata-log.ts";
import { seededRandom, testCell } from "../test-cell.ts";

const dayMs = 24 * 60 * 60 * 1000;

function creation(key: string, name = "shop", requestHash = name) {
  return rememberReply(
    {
      scope: "http",
      key,
      requestHash,
      reply: (cluster: { clusterId: string }) => cluster.clusterId,
    },
    (image, context) => createCluster(image, { name }, context),
  );
}

test("a request repeated with its key gets the first reply and changes nothing", () => {
  const cell = testCell();
  const first = cell.accept(creation("k"));
  expect(cell.entryCount).toBe(1);
  const again = cell.accept(creation("k"));
  expect(first.isReplayed).toBe(false);
  expect(again).toEqual({ reply: first.reply, isReplayed: true });
  expect(cell.entryCount).toBe(0);
  expect(cell.image.clusters.size).toBe(1);
});

test("a key that comes back with another request is refused", () => {
  const cell = testCell();
  cell.accept(creation("k"));
  expect(cell.reject(creation("k", "other"))).toMatchObject({ error: "IDEMPOTENCY_KEY_REUSED" });
});

test("a rejected request is not remembered: the next one may succeed", () => {
  const cell = testCell();
  cell.accept(creation("first"));
  expect(cell.reject(creation("k"))).toMatchObject({ error: "CLUSTER_ALREADY_EXISTS" });
  expect(cell.accept(creation("k", "other")).isReplayed).toBe(false);
});

test.each(["", "k".repeat(256)])("a key of a wrong length is refused", (key) => {
  expect(testCell().reject(creation(key))).toMatchObject({ error: "IDEMPOTENCY_KEY_INVALID" });
});

test("keys of different scopes are different keys", () => {
  const cell = testCell();
  cell.accept(creation("k"));
  const other = rememberReply(
    { scope: "elsewhere", key: "k", requestHash: "x", reply: () => "done" },
    () => accepted([], null),
  );
  expect(cell.accept(other).isReplayed).toBe(false);
});

test("keys are forgotten after a day, and only then", () => {
  const cell = testCell();
  cell.accept(creation("old"));
  cell.nowMs += dayMs / 2;
  cell.accept(creation("young", "other"));
  cell.nowMs += dayMs / 2;
  expect(cell.accept(expireIdempotencyKeys)).toEqual({ expiredCount: 1 });
  expect([...cell.image.idempotencyKeys.values()].map(({ key }) => key)).toEqual(["young"]);
  expect(cell.reject(creation("old"))).toMatchObject({ error: "CLUSTER_ALREADY_EXISTS" });
});

test("thousands of the longest keys expire in entries that fit", () => {
  const cell = testCell();
  const random = seededRandom(1);
  const printable = () => String.fromCharCode(33 + Math.floor(random.float() * 94));
  for (let batch = 0; batch < 10; batch++) {
    const records = Array.from({ length: 500 }, () => ({
      kind: "idempotencyKey" as const,
      scope: "http",
      key: Array.from({ length: limits.idempotencyKeyLength }, printable).join(""),
      requestHash: "",
      reply: "",
      createdAtMs: cell.nowMs,
    }));
    cell.accept(() => accepted(records, null));
  }
  cell.nowMs += dayMs;
  for (let round = 0; round < 20 && cell.image.idempotencyKeys.size > 0; round++) {
    cell.accept(expireIdempotencyKeys);
    expect(cell.largestEntryBytes).toBeLessThan(maxMetadataEntryBytes);
  }
  expect(cell.image.idempotencyKeys.size).toBe(0);
});

test("the oldest keys make room when there are too many bytes of them", () => {
  const cell = testCell();
  const reply = "x".repeat(limits.idempotencyReplyBytes);
  const fill: (key: string) => Command<unknown> = (key) =>
    rememberReply({ scope: "", key, requestHash: "", reply: () => reply }, () =>
      accepted([], null),
    );
  const fitting = Math.floor(limits.idempotencyBytes / (reply.length + 3));
  for (let index = 0; index < fitting + 5; index++) {
    cell.accept(fill(String(100 + index)));
  }
  expect(cell.image.idempotencyBytes).toBeLessThanOrEqual(limits.idempotencyBytes);
  expect(cell.image.idempotencyKeys.size).toBe(fitting);
  expect([...cell.image.idempotencyKeys.values()][0]?.key).toBe("105");
});

test("a reply too large to keep does not stop the change", () => {
  const cell = testCell();
  const large = rememberReply(
    { scope: "", key: "k", requestHash: "", reply: () => "x".repeat(40_000) },
    (image, context) => createCluster(image, { name: "shop" }, context),
  );
  cell.accept(large);
  expect(cell.image.clusters.size).toBe(1);
  expect(cell.image.idempotencyKeys.size).toBe(0);
});
