import { advanceMoves } from "../../../../metadata/commands/advance-moves.ts";
import { incrementalAlterConfigs } from "../../../../metadata/commands/alter-configs.ts";
import { alterPartitionReassignments } from "../../../../metadata/commands/alter-partition-reassignments.ts";
import { balanceLeaders } from "../../../../metadata/commands/balance-leaders.ts";
import { declareLost } from "../../../../metadata/commands/declare-lost.ts";
import { drainBroker } from "../../../../metadata/commands/drain-broker.ts";
import { endEvacuation, evacuateBroker } from "../../../../metadata/commands/evacuate-broker.ts";
import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import { recoverPartitions } from "../../../../metadata/commands/recover-partitions.ts";
import { growTopics, replaceReplicas } from "../../../../metadata/commands/replace-replicas.ts";
import { resignLeaderships } from "../../../../metadata/commands/resign-leaderships.ts";
import { unfenceBrokers } from "../../../../metadata/commands/unfence-brokers.ts";
import {
  crash,
  deliver,
  endsOf,
  fetch,
  flush,
  judgeMembers,
  keyOf,
  observe,
  produce,
  propose,
  start,
  wipe,
} from "./world.ts";
import type { Node, World } from "./world.ts";

/** What happens next: to which broker, to which partition, and how well it goes. */
export type Step = { kind: (typeof kinds)[number]; node: number; index: number; luck: number };

/** Named as often as they shall happen. */
export const kinds = [
  ...Array.from({ length: 8 }, () => "produce" as const),
  ...Array.from({ length: 14 }, () => "fetch" as const),
  ...Array.from({ length: 8 }, () => "observe" as const),
  ...Array.from({ length: 5 }, () => "propose" as const),
  ...Array.from({ length: 6 }, () => "deliver" as const),
  ...Array.from({ length: 4 }, () => "start" as const),
  ...Array.from({ length: 3 }, () => "unfence" as const),
  ...Array.from({ length: 3 }, () => "recover" as const),
  "crash",
  "hostCrash",
  "bounce",
  "bounce",
  "stop",
  "fence",
  "fence",
  "flush",
  "drain",
  "wipe",
  "lost",
  "resign",
  "minIsr",
  "balance",
  "reassign",
  "cancel",
  "replace",
  "evacuate",
  "endEvacuation",
] as const;

/** What leaders ask for, by luck: half of the time for those who have caught up. */
const wishes = [
  ...Array.from({ length: 5 }, () => "expand" as const),
  ...Array.from({ length: 4 }, () => "shrink" as const),
];

export function play(world: World, step: Step): void {
  const node = world.nodes[step.node % world.nodes.length] as Node;
  const key = keyOf(world.topicId, step.index);
  const isLucky = step.luck >= 5;
  switch (step.kind) {
    case "produce":
      return world.nodes.forEach((each) => produce(world, each, key));
    case "fetch":
      for (const each of isLucky ? world.nodes : [node])
        fetch(world, each, { key, count: step.luck });
      return;
    case "observe":
      for (const each of step.luck >= 7 ? world.nodes : [node]) observe(world, each);
      return;
    case "propose": {
      const wanted = wishes[step.luck] ?? "confirm";
      for (const each of world.nodes) propose(each, key, wanted);
      return;
    }
    case "deliver":
      for (const each of world.nodes) deliver(world, each, { key, isHeard: isLucky });
      return;
    case "crash":
      return crash(node, { isHost: false, luck: 0 });
    case "hostCrash":
      return crash(node, { isHost: true, luck: step.luck / 10 });
    case "start":
      return start(world, node);
    case "bounce":
      crash(node, { isHost: true, luck: step.luck / 10 });
      return start(world, node);
    case "flush":
      return flush(node);
    default:
      return command(world, node, step);
  }
}

function command(world: World, node: Node, step: Step): void {
  const { image } = world.cell;
  const { brokerId, brokerEpoch } = node;
  const ref = { brokerId, brokerEpoch };
  const partitions = [{ index: step.index, replicas: rotated(world, step.luck) }];
  const { clusterId, topicId } = world;
  switch (step.kind) {
    case "stop":
      flush(node);
      crash(node, { isHost: false, luck: 0 });
      if (node.previousEnd === "processCrash") node.previousEnd = "clean";
      return;
    case "fence":
      return void world.run((now, context) => fenceBrokers(now, { brokers: [ref] }, context));
    case "unfence":
      if (!node.isUp) return;
      observe(world, node);
      return void world.run((now, context) => unfenceBrokers(now, { brokers: [ref] }, context));
    case "drain":
      return void world.run((now, context) => drainBroker(now, ref, context));
    case "evacuate":
      return void world.run((now, context) => evacuateBroker(now, ref, context));
    case "endEvacuation":
      return void world.run((now) => endEvacuation(now, ref));
    case "wipe":
      if (step.luck > 6) wipe(node);
      return;
    case "lost": {
      const gone = [...image.brokers.values()].find(
        (broker) =>
          !broker.isLost && world.nodes.every((each) => each.brokerId !== broker.brokerId),
      );
      if (gone === undefined) return;
      const lost = { brokerId: gone.brokerId, brokerEpoch: gone.epoch };
      world.run((now, context) => fenceBrokers(now, { brokers: [lost] }, context));
      return void world.run((now, context) => declareLost(now, lost, context));
    }
    case "recover": {
      const ends = world.nodes
        .filter(({ isUp }) => isUp)
        .flatMap((each) =>
          endsOf(each, image).map((end) => ({
            ...end,
            brokerId: each.brokerId,
            brokerEpoch: each.brokerEpoch,
          })),
        );
      return void world.run((now, context) => recoverPartitions(now, { ends }, context));
    }
    case "resign": {
      const partition = image.topics.get(topicId)?.partitions[step.index];
      const leaderEpoch = partition?.leaderEpoch ?? -1;
      const failed = [{ topicId, index: step.index, leaderEpoch, isDamaged: false }];
      return void world.run((now) => resignLeaderships(now, { ...ref, failed }));
    }
    case "minIsr": {
      const value = String(1 + (step.luck % 3));
      const change = { name: "min.insync.replicas", operation: "SET" as const, value };
      const resource = { kind: "topic" as const, name: "t" };
      const resources = [{ resource, changes: [change] }];
      return void world.run((now, context) =>
        incrementalAlterConfigs(now, { clusterId, resources }, context),
      );
    }
    case "balance":
      world.run(advanceMoves);
      world.run((now, context) => growTopics(now, { maxMoving: 2 }, context));
      return void world.run((now, context) => balanceLeaders(now, { maxMoves: 1 }, context));
    case "cancel":
      partitions.forEach((each) => Object.assign(each, { replicas: null }));
      return reassign(world, partitions);
    case "reassign":
      return reassign(world, partitions);
    case "replace": {
      const gone = [...image.brokers.values()].filter(({ state }) => state === "fenced");
      const brokerIds = gone.map((broker) => broker.brokerId);
      const request = { brokerIds, maxMoving: 2 };
      return void world.run((now, context) => replaceReplicas(now, request, context));
    }
    default:
      throw new Error(`${step.kind} is no command`);
  }
}

type Target = { index: number; replicas: number[] | null };

function reassign(world: World, partitions: Target[]): void {
  const request = { clusterId: world.clusterId, topics: [{ name: "t", partitions }] };
  world.run((image, context) => alterPartitionReassignments(image, request, context));
}

function rotated({ cell }: World, luck: number): number[] {
  const ids = [...cell.image.brokers.keys()];
  const from = luck % ids.length;
  return [...ids.slice(from), ...ids.slice(0, from)].slice(0, 1 + (luck % 3));
}

export function playAll(world: World, all: readonly Step[]): void {
  for (const step of all) {
    play(world, step);
    judgeMembers(world);
  }
}

/** The faults end: brokers come up, hear of everything and follow, and the controller does its rounds. */
export function settle(world: World): void {
  // Whoever has brokers emptied has an end in mind: with all that are left being emptied nobody could take a lost broker's place.
  for (const brokerId of Array.from(world.cell.image.brokers.keys()))
    world.run((now) => endEvacuation(now, { brokerId }));
  for (const node of world.nodes) {
    // A drain ends with the process.
    const isDraining = world.cell.image.brokers.get(node.brokerId)?.state === "draining";
    if (isDraining) crash(node, { isHost: false, luck: 0 });
  }
  const all = world.nodes.map((_, node) => node);
  const rounds = ["start", "unfence", "lost", "recover", "balance", "observe"] as const;
  const talk = ["fetch", "fetch", "propose", "deliver", "observe"] as const;
  for (let round = 0; round < 12; round++) {
    for (const kind of rounds) {
      for (const node of all) play(world, { kind, node, index: 0, luck: 9 });
    }
    play(world, { kind: "replace", node: 0, index: 0, luck: 9 });
    for (const kind of talk) {
      // luck 0: an expansion of the in-sync set.
      const luck = kind === "propose" ? 0 : 9;
      for (const node of all) for (const index of [0, 1]) play(world, { kind, node, index, luck });
    }
    judgeMembers(world);
  }
}

/** Partitions that are not whole. */
export function unsettled({ cell }: World): string[] {
  const found: string[] = [];
  for (const { partitions } of cell.image.topics.values()) {
    for (const partition of partitions) {
      const { leader, isr, elr, adding, removing, replicas } = partition;
      const isWhole = leader !== -1 && isr.length === replicas.length && elr.length === 0;
      if (!isWhole || adding.length > 0 || removing.length > 0)
        found.push(JSON.stringify(partition));
    }
  }
  return found;
}
