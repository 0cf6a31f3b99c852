import { breakSeals, sealPartitions } from "../../../../metadata/commands/seal-partitions.ts";
import { fallAsleep, sleepCell, wakeCell } from "../../../../metadata/commands/sleep-cell.ts";
import { wakePartitions } from "../../../../metadata/commands/wake-partitions.ts";
import { isToBeSealed } from "../../../../metadata/image/seals.ts";
import { kinds, play, settle } from "./steps.ts";
import type { Step } from "./steps.ts";
import { copyOf, fetch, judgeMembers, keyOf, leads, logOf, observe, start } from "./world.ts";
import type { Node, World } from "./world.ts";

/** What happens next in a cell that sleeps now and then. */
export type SleepStep = Omit<Step, "kind"> & { kind: (typeof sleepKinds)[number] };

export const sleepKinds = [
  ...kinds,
  "sleep",
  ...Array.from({ length: 6 }, () => "seal" as const),
  "fallAsleep",
  ...Array.from({ length: 3 }, () => "wake" as const),
  ...Array.from({ length: 4 }, () => "place" as const),
  ...Array.from({ length: 4 }, () => "break" as const),
] as const;

function playOne(world: World, { kind, ...step }: SleepStep): void {
  const node = world.nodes[step.node % world.nodes.length] as Node;
  switch (kind) {
    case "sleep":
      return void world.run(sleepCell);
    case "seal":
      return seal(world, node, step.index);
    case "fallAsleep":
      return void world.run(fallAsleep);
    case "wake":
      return void world.run(wakeCell);
    case "place":
      return void world.run(wakePartitions);
    case "break":
      return unseal(world, node, step.index);
    default:
      return play(world, { kind, ...step });
  }
}

/** A leader that has heard of it brings all it has to the object store, once all of it is committed, and says so in the log. */
function seal(world: World, node: Node, index: number): void {
  const key = keyOf(world.topicId, index);
  const view = leads(node, key);
  if (view === null || view.partition.sealed !== null) return;
  const log = logOf(node, key);
  const { leaderEpoch } = view.partition;
  const stored = world.cell.image.topics.get(world.topicId)?.partitions[index];
  const mayKnow = node.isAsleep || view.partition.isr.length === 1;
  if (!mayKnow || stored === undefined || !isToBeSealed(world.cell.image, stored)) return;
  if (stored.leaderEpoch !== leaderEpoch || log.highWatermark !== log.end) return;
  const { brokerId, brokerEpoch } = node;
  const seals = [{ topicId: world.topicId, index, leaderEpoch, end: log.end }];
  const request = { brokerId, brokerEpoch, seals };
  const outcomes = world.run((image, now) => {
    return sealPartitions(image, request, now);
  });
  if (outcomes?.[0]?.kind !== "done") return;
  world.tier.set(key, copyOf(log));
  observe(world, node);
}

function unseal(world: World, node: Node, index: number): void {
  const view = leads(node, keyOf(world.topicId, index));
  if (view === null || view.partition.sealed === null) return;
  const { brokerId, brokerEpoch } = node;
  const { leaderEpoch } = view.partition;
  const partitions = [{ topicId: world.topicId, index, leaderEpoch }];
  const request = { brokerId, brokerEpoch, partitions };
  world.run((image, now) => breakSeals(image, request, now));
  observe(world, node);
}

export function playSleeping(world: World, all: readonly SleepStep[]): void {
  for (const step of all) {
    playOne(world, step);
    judgeMembers(world);
  }
}

/** The faults end, and the cell is woken. */
export function settleAwake(world: World): void {
  world.run(wakeCell);
  for (let round = 0; round < 3; round++) {
    for (const node of world.nodes) {
      start(world, node);
      observe(world, node);
    }
    world.run(wakePartitions);
    settle(world);
    for (const index of [0, 1]) {
      for (const node of world.nodes)
        fetch(world, node, { key: keyOf(world.topicId, index), count: 9 });
      for (const node of world.nodes) unseal(world, node, index);
    }
    judgeMembers(world);
  }
}
