import { describe, expect, test } from "vitest";

import {
  createCluster,
  deleteCluster,
  ensureCluster,
  updateCluster,
} from "../../../../metadata/commands/cluster-commands.ts";
import { createTopics } from "../../../../metadata/commands/create-topics.ts";
import { topicsOfCluster } from "../../../../metadata/image/image.ts";
import { readyCell, testCell } from "../test-cell.ts";
import type { TestCell } from "../test-cell.ts";

function create(cell: TestCell, name: string) {
  return cell.accept((image, context) => createCluster(image, { name }, context));
}

describe("creating a cluster", () => {
  test("gives each its own port offset, a hundred apart, the first at the broker's own port", () => {
    const cell = testCell();
    expect(["a", "b", "c"].map((name) => create(cell, name).portOffset)).toEqual([0, 100, 200]);
    expect(cell.changes).toEqual([
      { kind: "clusterCreated", clusterId: cell.image.clustersByName.get("c")?.clusterId },
    ]);
  });

  test("never gives a deleted cluster's port to another while unused ones are left", () => {
    const cell = testCell();
    const { clusterId } = create(cell, "a");
    cell.accept((image, context) => deleteCluster(image, { clusterId }, context));
    expect(create(cell, "a").portOffset).toBe(100);
  });

  test("takes the lowest free port when all have been used", () => {
    const cell = testCell();
    for (let index = 0; index < 500; index++) create(cell, `c${index}`);
    expect(
      cell.reject((image, context) => createCluster(image, { name: "more" }, context)),
    ).toEqual({
      kind: "rejected",
      error: "LIMIT_EXCEEDED",
      message: "the cell has 500 clusters; the limit for a cell is 500",
    });
    const clusterId = cell.image.clustersByName.get("c7")?.clusterId ?? "";
    cell.accept((image, context) => deleteCluster(image, { clusterId }, context));
    expect(create(cell, "more").portOffset).toBe(700);
  });

  test.each(["", "-a", "a-", "a b", "ä", "a".repeat(64), "_system"])(
    "refuses the name %j and names the field",
    (name) => {
      const rejection = testCell().reject((image, context) =>
        createCluster(image, { name }, context),
      );
      expect(rejection).toMatchObject({ error: "INVALID_CLUSTER_NAME", field: "name" });
    },
  );

  test("refuses a name that is taken", () => {
    const cell = testCell();
    create(cell, "shop");
    expect(
      cell.reject((image, context) => createCluster(image, { name: "shop" }, context)),
    ).toMatchObject({ error: "CLUSTER_ALREADY_EXISTS", field: "name" });
  });

  test("ensureCluster creates once and finds it afterwards", () => {
    const cell = testCell();
    const first = cell.accept((image, context) => ensureCluster(image, { name: "dev" }, context));
    const again = cell.accept((image, context) => ensureCluster(image, { name: "dev" }, context));
    expect(again).toEqual(first);
    expect(cell.records).toEqual([]);
  });

  test("takes defaults by topic or server setting name and stores them by server name", () => {
    const cell = testCell();
    const defaults = { "retention.ms": "60000", "num.partitions": "6" };
    const cluster = cell.accept((image, context) =>
      createCluster(image, { name: "dev", defaults }, context),
    );
    expect(cluster.defaults).toEqual({ "log.retention.ms": "60000", "num.partitions": "6" });
  });

  test("refuses defaults nobody knows, that cannot be changed, or that are wrong", () => {
    const cell = testCell();
    const attempt = (defaults: Record<string, string>) =>
      cell.reject((image, context) => createCluster(image, { name: "dev", defaults }, context));
    expect(attempt({ colour: "red" })).toMatchObject({ field: "defaults/colour" });
    expect(attempt(JSON.parse('{"__proto__":"1"}') as Record<string, string>)).toMatchObject({
      message: "Unknown cluster setting: __proto__",
    });
    expect(attempt({ "node.id": "3" })).toMatchObject({ error: "INVALID_CONFIG" });
    expect(attempt({ "retention.ms": "1", "log.retention.ms": "2" })).toMatchObject({
      field: "defaults/log.retention.ms",
    });
    expect(attempt({ "retention.ms": "soon" })).toMatchObject({
      message: "Invalid value soon for configuration retention.ms: Not a number of type LONG",
    });
  });
});

describe("updating a cluster", () => {
  test("changes what is named and leaves the rest", () => {
    const cell = readyCell();
    const { clusterId } = cell;
    const updated = cell.accept((image, context) =>
      updateCluster(image, { clusterId, description: "ours" }, context),
    );
    expect(updated).toMatchObject({ name: "dev", description: "ours", portOffset: 0 });
    expect(cell.image.clusters.get(clusterId)).toEqual(updated);
  });

  test("that changes nothing leaves its revision, and writes nothing", () => {
    const cell = readyCell();
    const { clusterId } = cell;
    const before = cell.image.clusters.get(clusterId);
    for (const same of [{}, { name: "dev" }, { description: "", defaults: {} }]) {
      const updated = cell.accept((image, context) =>
        updateCluster(image, { clusterId, ...same }, context),
      );
      expect(updated).toEqual(before);
      expect(cell.records).toEqual([]);
    }
  });

  test("moves the name's index with the name", () => {
    const cell = readyCell();
    const { clusterId } = cell;
    cell.accept((image, context) => updateCluster(image, { clusterId, name: "prod" }, context));
    expect([...cell.image.clustersByName.keys()]).toEqual(["prod"]);
  });

  test("is refused when the cluster has changed since the revision the caller saw", () => {
    const cell = readyCell();
    const { clusterId } = cell;
    const seen = cell.image.clusters.get(clusterId)?.revision ?? 0;
    const attempt = { clusterId, description: "x", ifRevision: seen };
    cell.accept((image, context) => updateCluster(image, attempt, context));
    expect(cell.reject((image, context) => updateCluster(image, attempt, context))).toMatchObject({
      error: "PRECONDITION_FAILED",
    });
  });
});

describe("deleting a cluster", () => {
  function withTopics(count: number) {
    const cell = readyCell();
    const { clusterId } = cell;
    for (let from = 0; from < count; from += 1_000) {
      const topics = Array.from({ length: Math.min(1_000, count - from) }, (_, index) => ({
        name: `t${from + index}`,
      }));
      cell.accept((image, context) => createTopics(image, { clusterId, topics }, context));
    }
    return cell;
  }

  test("with topics needs force", () => {
    const cell = withTopics(2);
    const { clusterId } = cell;
    expect(
      cell.reject((image, context) => deleteCluster(image, { clusterId }, context)),
    ).toMatchObject({ error: "CLUSTER_NOT_EMPTY" });
    cell.accept((image, context) => deleteCluster(image, { clusterId, force: true }, context));
    expect(cell.image.clusters.size).toBe(0);
    expect(cell.image.topics.size).toBe(0);
    expect(cell.image.partitionCount).toBe(0);
    expect(cell.image.purgingTopics.size).toBe(2);
  });

  test("with many topics goes in several entries, marked deleting from the first", () => {
    const cell = withTopics(4_500);
    const { clusterId } = cell;
    cell.accept((image, context) => deleteCluster(image, { clusterId, force: true }, context));
    expect(cell.entryCount).toBe(3);
    expect(cell.records[0]).toMatchObject({ kind: "cluster", state: "deleting" });
    expect(cell.image.clusters.size).toBe(0);
  });

  test("a cluster half deleted takes no new topics", () => {
    const cell = withTopics(2_500);
    const { clusterId } = cell;
    const first = deleteCluster(cell.image, { clusterId, force: true }, cell.context());
    expect(first).toMatchObject({ kind: "accepted", isIncomplete: true });
    cell.accept(() => ({ ...first, isIncomplete: false }));
    const [outcome] = cell.accept((image, context) =>
      createTopics(image, { clusterId, topics: [{ name: "late" }] }, context),
    );
    expect(outcome).toMatchObject({ kind: "rejected", error: "INVALID_REQUEST" });
    expect(topicsOfCluster(cell.image, clusterId)).toHaveLength(500);
  });

  test("that is not there is not found", () => {
    expect(
      readyCell().reject((image, context) => deleteCluster(image, { clusterId: "no" }, context)),
    ).toMatchObject({ error: "CLUSTER_NOT_FOUND" });
  });
});
