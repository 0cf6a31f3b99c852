import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { describe, expect, test } from "vitest";

import { allocateProducerIds } from "../../../../metadata/commands/allocate-producer-ids.ts";
import { createCluster, deleteCluster } from "../../../../metadata/commands/cluster-commands.ts";
import { accepted } from "../../../../metadata/commands/command.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { deleteTopic } from "../../../../metadata/commands/delete-topics.ts";
import { ensureInternalTopic } from "../../../../metadata/commands/ensure-internal-topic.ts";
import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import { rememberReply } from "../../../../metadata/commands/remember-reply.ts";
import { applyEntry } from "../../../../metadata/image/apply.ts";
import { createImage, topicByName } from "../../../../metadata/image/image.ts";
import {
  decodeSnapshot,
  encodeSnapshot,
  encodingSnapshot,
} from "../../../../metadata/image/snapshot.ts";
import { MetadataDecodeError } from "../../../../metadata/records/field-types.ts";
import type { MetadataRecord } from "../../../../metadata/records/table.ts";
import { partitionState, readyCell } from "../test-cell.ts";

/** A cell with something of everything, and gaps where things are gone. */
function richCell() {
  const cell = readyCell(3);
  const { clusterId } = cell;
  cell.accept((image, context) => createCluster(image, { name: "gone" }, context));
  const goneId = cell.image.clustersByName.get("gone")?.clusterId ?? "";
  cell.accept((image, context) => deleteCluster(image, { clusterId: goneId }, context));
  for (const name of ["a.b", "c", "d"]) {
    const topic = { name, partitionCount: 3, configs: { "retention.ms": "5" } };
    cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
  }
  cell.accept((image, context) => deleteTopic(image, { clusterId, topic: { name: "c" } }, context));
  cell.accept((image, context) =>
    ensureInternalTopic(image, { name: "__consumer_offsets" }, context),
  );
  const brokerEpoch = cell.image.brokers.get(2)?.epoch ?? 0;
  cell.accept((image) => allocateProducerIds(image, { brokerId: 2, brokerEpoch }));
  for (const key of ["z", "a"]) {
    cell.accept(
      rememberReply({ scope: "s", key, requestHash: "h", reply: () => "r" }, () =>
        accepted([], null),
      ),
    );
  }
  cell.accept(() => accepted([{ kind: "brokerUnregistered", brokerId: 3 }], null));
  return cell;
}

describe("a snapshot", () => {
  test("gives back the image, indexes, counters and order of keys included", () => {
    const { image, clusterId } = richCell();
    const loaded = decodeSnapshot(encodeSnapshot(image));
    expect(loaded).toEqual(image);
    expect([...loaded.idempotencyKeys.keys()]).toEqual([...image.idempotencyKeys.keys()]);
    expect(topicByName(loaded, clusterId, "d")).toBe(
      [...loaded.topics.values()].find(({ name }) => name === "d"),
    );
    expect(loaded.nextBrokerId).toBe(4);
    expect(loaded.nextPortOffset).toBe(200);
    expect(loaded.epochFloors.get(clusterId)).toBe(0);
  });

  test("of equal images is equal, byte by byte", () => {
    const { image } = richCell();
    const once = encodeSnapshot(image);
    expect(encodeSnapshot(richCell().image)).toEqual(once);
    expect(encodeSnapshot(decodeSnapshot(once))).toEqual(once);
  });

  test("in parts is of the image as it was at the first of them", () => {
    const cell = readyCell(3);
    const { clusterId, image } = cell;
    for (const name of ["a", "b", "c"]) {
      const topic = { name, partitionCount: 2_000, replicationFactor: 3 };
      cell.accept((now, context) => createTopic(now, { clusterId, topic }, context));
    }
    const before = decodeSnapshot(encodeSnapshot(image));
    const encoding = encodingSnapshot(image);
    let partCount = 1;
    let step = encoding.next();
    for (; step.done !== true; step = encoding.next()) {
      partCount += 1;
      if (partCount > 2) continue;
      const brokers = [{ brokerId: 1, brokerEpoch: image.brokers.get(1)?.epoch ?? -1 }];
      cell.accept((now, context) => fenceBrokers(now, { brokers }, context));
    }
    expect(partCount).toBe(4);
    expect(decodeSnapshot(step.value)).toEqual(before);
    expect(before).not.toEqual(image);
  });

  test("that is damaged anywhere is refused", () => {
    const bytes = encodeSnapshot(richCell().image);
    for (const position of [30, 60, bytes.length - 1]) {
      const damaged = Uint8Array.from(bytes);
      damaged[position] = (damaged[position] ?? 0) ^ 4;
      expect(() => decodeSnapshot(damaged)).toThrow(MetadataDecodeError);
    }
    expect(() => decodeSnapshot(bytes.subarray(0, 40))).toThrow(MetadataDecodeError);
  });

  test("of a newer version is unknown", () => {
    const bytes = encodeSnapshot(richCell().image);
    bytes[0] = 2;
    expect(() => decodeSnapshot(bytes)).toThrow(expect.objectContaining({ code: "unknown" }));
  });
});

describe("records that do not fit the image", () => {
  const same = partitionState({ replicas: [1] });

  test.each<[string, (topicId: string) => MetadataRecord]>([
    ["an unknown topic", () => ({ kind: "topicConfigs", topicId: "no", configs: {} })],
    ["an unknown cluster", () => ({ kind: "clusterDeleted", clusterId: "no" })],
    [
      "an unknown broker",
      () => ({ kind: "brokerState", brokerId: 99, state: "active", isLost: false }),
    ],
    [
      "a partition epoch that does not grow",
      (topicId) => ({ kind: "partitionsChanged", topicId, partitions: [same] }),
    ],
    [
      "a partition out of place",
      (topicId) => ({ kind: "partitionsAdded", topicId, partitions: [{ ...same, index: 9 }] }),
    ],
    [
      "producer ids handed out twice",
      () => ({ kind: "producerIds", brokerId: 1, brokerEpoch: 1, first: 0, count: 1 }),
    ],
  ])("%s is corrupt", (_, record) => {
    const { image, clusterId } = richCell();
    const topicId = topicByName(image, clusterId, "d")?.topicId ?? "";
    const revision = image.revision + 1;
    expect(() => applyEntry(image, { revision, hash: "", records: [record(topicId)] })).toThrow(
      expect.objectContaining({ code: "corrupt" }),
    );
  });
});

test("a hundred thousand partitions with three replicas stay below 50 MB", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const heapBytes = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const topics = Array.from({ length: 1_000 }, (_, topic): MetadataRecord => {
    const partitions = Array.from({ length: 100 }, (__, index) => {
      const replicas = [topic % 7, 7 + (index % 7), 14];
      return partitionState({ index, replicas, leader: 7, leaderEpoch: 1, partitionEpoch: 1 });
    });
    return {
      kind: "topic",
      topicId: `topic-${topic}`,
      clusterId: "c",
      name: `t${topic}`,
      configs: {},
      requestedReplicationFactor: 3,
      createdAtMs: 0,
      revision: 1,
      partitions,
    };
  });
  const image = createImage();
  applyEntry(image, {
    revision: 1,
    hash: "00",
    records: [{ kind: "genesis", cellId: "x", level: 2, createdAtMs: 0 }, ...topics],
  });
  const snapshot = encodeSnapshot(image);
  topics.length = 0;
  const before = heapBytes();
  const loaded = decodeSnapshot(snapshot);
  const growth = heapBytes() - before;
  expect(loaded.partitionCount).toBe(100_000);
  expect(growth).toBeLessThan(50 * 1024 * 1024);
});
