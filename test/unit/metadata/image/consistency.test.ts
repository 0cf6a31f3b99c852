import fc from "fast-check";
import { expect, test } from "vitest";

import {
  alterConfigs,
  incrementalAlterConfigs,
} from "../../../../metadata/commands/alter-configs.ts";
import { allocateProducerIds } from "../../../../metadata/commands/allocate-producer-ids.ts";
import { answerInLog, askInLog } from "../../../../metadata/commands/ask-in-log.ts";
import {
  createCluster,
  deleteCluster,
  updateCluster,
} from "../../../../metadata/commands/cluster-commands.ts";
import { accepted } from "../../../../metadata/commands/command.ts";
import type { Command } from "../../../../metadata/commands/command.ts";
import { createPartitions } from "../../../../metadata/commands/create-partitions.ts";
import { createTopics } from "../../../../metadata/commands/create-topics.ts";
import { deleteTopics, purgeTopics } from "../../../../metadata/commands/delete-topics.ts";
import { ensureInternalTopic } from "../../../../metadata/commands/ensure-internal-topic.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import {
  expireIdempotencyKeys,
  rememberReply,
} from "../../../../metadata/commands/remember-reply.ts";
import { collisionKey, systemClusterId } from "../../../../metadata/image/image.ts";
import type { Cluster, Image, Partition } from "../../../../metadata/image/image.ts";
import { limits } from "../../../../metadata/limits.ts";
import { decodeSnapshot, encodeSnapshot } from "../../../../metadata/image/snapshot.ts";
import { newBroker, testCell } from "../test-cell.ts";

/** One command against whatever is there: `pick` chooses among what exists, and now and then what does not. */
type Step = { kind: (typeof kinds)[number]; pick: number; name: string; count: number };

const kinds = [
  "createCluster",
  "updateCluster",
  "deleteCluster",
  "createTopics",
  "createPartitions",
  "deleteTopics",
  "alterConfigs",
  "incrementalAlterConfigs",
  "registerNewBroker",
  "restartBroker",
  "fenceBroker",
  "ensureInternalTopic",
  "allocateProducerIds",
  "purgeTopics",
  "rememberReply",
  "expireKeys",
  "ask",
  "answer",
] as const;

const names = fc.oneof(
  fc.constantFrom("a.b", "a_b"),
  fc.constantFrom("a", "__proto__", "constructor", "", "ä", "__consumer_offsets"),
);

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...kinds),
    pick: fc.nat({ max: 5 }),
    name: names,
    count: fc.oneof(fc.constantFrom(-1, 1, 3, 4), fc.constantFrom(0, 1.5, NaN, 2 ** 31, 2 ** 53)),
  }),
  { minLength: 20, maxLength: 80, size: "max" },
);

function commandOf(image: Image, { kind, pick, name, count }: Step): Command<unknown> {
  const clusterIds = [...image.clusters.keys(), "none"];
  const clusterId = clusterIds[pick % clusterIds.length] ?? "none";
  const broker = [...image.brokers.values()][pick % Math.max(1, image.brokers.size)];
  const brokerId = broker?.brokerId ?? 1;
  switch (kind) {
    case "createCluster":
      return (now, context) => createCluster(now, { name }, context);
    case "updateCluster":
      return (now, context) =>
        updateCluster(
          now,
          { clusterId, name, defaults: { "num.partitions": String(count) } },
          context,
        );
    case "deleteCluster":
      return (now, context) => deleteCluster(now, { clusterId, force: pick > 2 }, context);
    case "createTopics": {
      const topics = [
        { name, partitionCount: count },
        { name: `t${pick}` },
        { name: "by.hand", assignments: [{ index: 0, brokerIds: [brokerId] }] },
      ];
      return (now, context) => createTopics(now, { clusterId, topics }, context);
    }
    case "createPartitions":
      return (now) =>
        createPartitions(now, { clusterId, topics: [{ name: `t${pick}`, partitionCount: count }] });
    case "deleteTopics":
      return (now, context) =>
        deleteTopics(now, { clusterId, topics: [{ name }, { name: `t${pick}` }] }, context);
    case "alterConfigs": {
      const resources = [
        {
          resource: { kind: "topic" as const, name: `t${pick}` },
          configs: { "retention.ms": "9", [name]: null },
        },
        {
          resource: { kind: "clusterDefaults" as const },
          configs: { "log.retention.ms": String(count) },
        },
      ];
      return (now) => alterConfigs(now, { clusterId, resources });
    }
    case "incrementalAlterConfigs": {
      const change = { name: "cleanup.policy", operation: "APPEND" as const, value: "compact" };
      const resource = { kind: "topic" as const, name: `t${pick}` };
      return (now) =>
        incrementalAlterConfigs(now, { clusterId, resources: [{ resource, changes: [change] }] });
    }
    case "registerNewBroker": {
      const request = newBroker(String(image.revision), "abc"[pick % 3]);
      return (now, context) => registerBroker(now, request, context);
    }
    case "restartBroker": {
      const previousEnd = (["clean", "processCrash", "hostCrash"] as const)[pick % 3] ?? "clean";
      const request = {
        ...newBroker(String(image.revision)),
        directoryId: broker?.directoryId ?? "none",
        brokerId,
        storedIncarnations: pick === 5 ? [] : [broker?.incarnation ?? "none"],
        previousEnd,
        damaged: [...image.topics.keys()].slice(0, pick).map((topicId) => ({ topicId, index: 0 })),
      };
      return (now, context) => registerBroker(now, request, context);
    }
    case "ask": {
      const asked = [...image.brokers.keys()].slice(0, pick);
      const { epoch: controllerEpoch } = image.controller;
      const brokerEpoch = broker?.epoch ?? -1;
      const request = { brokerId, brokerEpoch, asked, heardCount: pick, controllerEpoch };
      return (now, context) => askInLog(now, request, context);
    }
    case "answer":
      return (now) => {
        const askedBy = [...now.questions.keys()].slice(pick % 2);
        return answerInLog(now, { brokerId, brokerEpoch: broker?.epoch ?? -1, askedBy });
      };
    case "fenceBroker":
      return () =>
        accepted(
          broker === undefined
            ? []
            : [{ kind: "brokerState", brokerId, state: "fenced", isLost: false }],
          null,
        );
    case "ensureInternalTopic":
      return (now, context) => ensureInternalTopic(now, { name: "__consumer_offsets" }, context);
    case "allocateProducerIds":
      return (now) => allocateProducerIds(now, { brokerId, brokerEpoch: broker?.epoch ?? 0 });
    case "purgeTopics":
      return (now) => purgeTopics(now, { topicIds: [...now.purgingTopics.keys()].slice(0, pick) });
    case "rememberReply":
      return rememberReply(
        { scope: "s", key: `k${pick}`, requestHash: "h", reply: () => name },
        () => accepted([], null),
      );
    case "expireKeys":
      return expireIdempotencyKeys;
  }
}

function isSound({ replicas, isr, elr, lastIsr, leader }: Partition): boolean {
  const isSet = (ids: readonly number[]) => new Set(ids).size === ids.length;
  const areReplicas = [isr, elr, lastIsr].every((ids) => ids.every((id) => replicas.includes(id)));
  const isApart = !isr.some((id) => elr.includes(id));
  const isLed = leader === -1 || isr.includes(leader);
  return [replicas, isr, elr, lastIsr].every(isSet) && areReplicas && isApart && isLed;
}

/** What must hold between the parts of an image, whatever was done. */
function assertConsistent(image: Image): void {
  const topics = [...image.topics.values()];
  const clusters = [...image.clusters.values()];
  const index = (key: (cluster: Cluster) => unknown) =>
    new Map(clusters.map((cluster) => [key(cluster), cluster]));
  expect(image.clustersByName).toEqual(index(({ name }) => name));
  expect(image.clustersByPortOffset).toEqual(index(({ portOffset }) => portOffset));
  expect(image.clustersByName.size).toBe(clusters.length);
  expect(image.partitionCount).toBe(topics.reduce((sum, each) => sum + each.partitions.length, 0));
  const named = [...image.topicNames.values()].flatMap(({ byName }) => [...byName.values()]);
  expect(new Set(named)).toEqual(new Set(topics));
  expect(named).toHaveLength(topics.length);
  for (const [clusterId, { byName, byCollisionKey }] of image.topicNames) {
    expect(byName.size).toBeGreaterThan(0);
    if (clusterId !== systemClusterId) expect(image.clusters.has(clusterId)).toBe(true);
    const keyed = [...byName.values()].filter(({ name }) => collisionKey(name) !== null);
    expect(new Set(byCollisionKey.values())).toEqual(new Set(keyed));
    for (const [name, topic] of byName) expect(topic).toMatchObject({ name, clusterId });
  }
  for (const topic of topics) {
    expect(topic.partitions.length).toBeGreaterThan(0);
    expect(topic.partitions.filter((each, position) => each.index !== position)).toEqual([]);
    expect(topic.partitions.filter((each) => !isSound(each))).toEqual([]);
    expect(image.purgingTopics.has(topic.topicId)).toBe(false);
  }
  for (const brokerId of image.brokers.keys()) expect(brokerId).toBeLessThan(image.nextBrokerId);
  for (const offset of image.clustersByPortOffset.keys()) {
    expect(offset).toBeLessThan(image.nextPortOffset);
  }
  const keys = [...image.idempotencyKeys.values()];
  expect(image.idempotencyBytes).toBe(
    keys.reduce((sum, { scope, key, reply }) => sum + scope.length + key.length + reply.length, 0),
  );
}

type Led = { topicId: string; leader: number; leaderEpoch: number };

/** One leader per leader epoch; epochs only grow, also when a topic is deleted and made again: clients know it by its name. */
function assertLineage(image: Image, seen: Map<string, Led>): void {
  for (const { topicId, clusterId, name, partitions } of image.topics.values()) {
    for (const { index, leader, leaderEpoch } of partitions) {
      const key = JSON.stringify([clusterId, name, index]);
      const before = seen.get(key);
      seen.set(key, { topicId, leader, leaderEpoch });
      if (before === undefined) continue;
      const isNewTerm = before.topicId !== topicId || leader !== before.leader;
      const isKept = isNewTerm
        ? leaderEpoch > before.leaderEpoch
        : leaderEpoch >= before.leaderEpoch;
      if (!isKept) expect.fail(`${key}: ${JSON.stringify(before)} before epoch ${leaderEpoch}`);
    }
  }
}

test("whatever is commanded leaves an image that agrees with itself, and with its snapshot", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const cell = testCell();
      const seen = new Map<string, Led>();
      for (const step of all) {
        cell.nowMs += limits.idempotencyRetentionMs / 10;
        const command = commandOf(cell.image, step);
        if (command(cell.image, cell.context()).kind === "rejected") continue;
        cell.accept(command);
        assertConsistent(cell.image);
        assertLineage(cell.image, seen);
      }
      const snapshot = encodeSnapshot(cell.image);
      const loaded = decodeSnapshot(snapshot);
      expect(loaded).toEqual(cell.image);
      assertConsistent(loaded);
      expect(encodeSnapshot(loaded)).toEqual(snapshot);
    }),
    { numRuns: 50 },
  );
});
