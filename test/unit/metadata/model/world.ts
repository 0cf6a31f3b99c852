import { alterPartitions } from "../../../../metadata/commands/alter-partition.ts";
import type { ProposedIsr } from "../../../../metadata/commands/alter-partition.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import type { Command, CommandContext } from "../../../../metadata/commands/command.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import type { RegisterBrokerRequest } from "../../../../metadata/commands/register-broker.ts";
import { rules as allRules } from "../../../../metadata/commands/rules.ts";
import type { Rules } from "../../../../metadata/commands/rules.ts";
import { createImageChecker } from "../../../../metadata/image/image-checker.ts";
import { minIsr } from "../../../../metadata/image/min-isr.ts";
import { applyEntry } from "../../../../metadata/image/apply.ts";
import type { MetadataChange } from "../../../../metadata/image/changes.ts";
import { activeIn } from "../../../../metadata/image/image.ts";
import { bootstrapAt, isSleeping } from "../../../../metadata/image/seals.ts";
import type { Image, Partition, Topic } from "../../../../metadata/image/image.ts";
import { newBroker, testCell } from "../test-cell.ts";
import type { TestCell } from "../test-cell.ts";
import {
  append,
  beginEpoch,
  emptyLog,
  follow,
  lastEpoch,
  loseTail,
  truncate,
} from "./replica-log.ts";
import type { ReplicaLog } from "./replica-log.ts";

// A cell in which brokers hold logs, crash, and hear of the metadata when they hear of it: small enough to be searched, complete enough to lose records
// if a command of the metadata is wrong. The leader and follower rules of replication.md 4 and 5 are written down here once more, plainly.

export type Node = {
  readonly name: string;
  directory: number;
  brokerId: number;
  life: number;
  brokerEpoch: number;
  isUp: boolean;
  /** It has heard that the cell takes no records. */
  isAsleep: boolean;
  previousEnd: RegisterBrokerRequest["previousEnd"];
  readonly logs: Map<string, ReplicaLog>;
  readonly views: Map<string, View>;
};

/** A partition as a broker last heard of it. */
type View = {
  partition: Partition;
  minIsr: number;
  /** As leader: the log end when the term began. */
  start: number;
  followers: Map<number, { brokerEpoch: number; end: number }>;
  brokerEpochs: ReadonlyMap<number, number>;
  active: ReadonlySet<number>;
  pending: ProposedIsr | null;
};

export type World = {
  readonly cell: TestCell;
  readonly clusterId: string;
  readonly topicId: string;
  readonly nodes: Node[];
  /** Every record anybody was ever shown, by partition and offset. */
  readonly shown: Map<string, Map<number, number>>;
  /** Those that were promised and not given up in a recovery. */
  readonly promised: Map<string, Map<number, number>>;
  /** What the object store has of sealed partitions: all of it, as its leader had it. */
  readonly tier: Map<string, ReplicaLog>;
  /** Whether leaders begin where the seal ends; false breaks the rule on purpose. */
  readonly bootstraps: boolean;
  nextId: number;
  run<Result>(command: Command<Result>): Result | null;
};

export class Violation extends Error {}

export function createWorld(
  brokerCount: number,
  rules: Rules = allRules,
  { bootstraps = true }: { bootstraps?: boolean } = {},
): World {
  const cell = testCell();
  const nodes: Node[] = [];
  const context = (now: CommandContext): CommandContext => ({ ...now, rules });
  const checker = createImageChecker();
  const world: World = {
    cell,
    clusterId: "",
    topicId: "",
    nodes,
    shown: new Map(),
    promised: new Map(),
    tier: new Map(),
    bootstraps,
    nextId: 1,
    run(command) {
      const before = partitionsOf(cell.image);
      const applied = apply(cell, (image, now) => command(image, context(now)));
      if (applied === null) return null;
      const problems = checker.check(cell.image, applied.changes);
      if (problems.length > 0) throw new Violation(problems.join("; "));
      for (const [key, partition] of partitionsOf(cell.image)) {
        judgeRecovery(world, key, { before: before.get(key), after: partition });
      }
      return applied.result;
    },
  };
  const cluster = world.run((image, now) => createCluster(image, { name: "dev" }, now));
  Object.assign(world, { clusterId: cluster?.clusterId });
  for (let index = 0; index < brokerCount; index++) {
    nodes.push({
      name: String(index + 1),
      directory: 1,
      brokerId: -1,
      life: 0,
      brokerEpoch: -1,
      isUp: false,
      isAsleep: false,
      previousEnd: "new",
      logs: new Map(),
      views: new Map(),
    });
    start(world, nodes[index] as Node);
  }
  const topic = { name: "t", partitionCount: 2 };
  const created = world.run((image, now) => {
    return createTopic(image, { clusterId: cluster?.clusterId ?? "", topic }, now);
  });
  Object.assign(world, { topicId: created?.topicId });
  for (const node of nodes) observe(world, node);
  return world;
}

type Applied<Result> = { result: Result; changes: MetadataChange[] };

/** As the log would have it, but for the bytes: entry after entry until the command is done. */
function apply<Result>(cell: TestCell, command: Command<Result>): Applied<Result> | null {
  const { image } = cell;
  const changes: MetadataChange[] = [];
  for (;;) {
    const decision = command(image, cell.context());
    if (decision.kind === "rejected") return null;
    const { records, result } = decision;
    if (records.length > 0) {
      changes.push(...applyEntry(image, { revision: image.revision + 1, hash: "", records }));
    }
    if (decision.isIncomplete !== true) return { result, changes };
  }
}

export function keyOf(topicId: string, index: number): string {
  return `${topicId}-${index}`;
}

function partitionsOf(image: Image): Map<string, Partition> {
  const found = new Map<string, Partition>();
  for (const { topicId, partitions } of image.topics.values()) {
    for (const partition of partitions) found.set(keyOf(topicId, partition.index), partition);
  }
  return found;
}

export function nodeOf(world: World, brokerId: number): Node | undefined {
  return world.nodes.find((node) => node.brokerId === brokerId);
}

export function logOf(node: Node, key: string): ReplicaLog {
  const log = node.logs.get(key) ?? emptyLog();
  node.logs.set(key, log);
  return log;
}

/** A recovery may give records up; among the members of the last in-sync set it may not, while one of their disks holds them. */
function judgeRecovery(
  world: World,
  key: string,
  { before, after }: { before: Partition | undefined; after: Partition },
): void {
  const recovery = after.recoveries.at(-1);
  if (recovery === undefined || after.recoveries.length === before?.recoveries.length) return;
  const promised = world.promised.get(key) ?? new Map<number, number>();
  const members = before?.lastIsr.map((brokerId) => nodeOf(world, brokerId)) ?? [];
  for (const [offset, id] of promised) {
    if (offset < recovery.end) continue;
    const holder = members.find((node) => node && holds(node, key, { offset, id }));
    if (holder !== undefined && !members.includes(undefined)) {
      throw new Violation(
        `${key}: a recovery gives up offset ${offset}, which ${holder.name} holds`,
      );
    }
    promised.delete(offset);
  }
}

function holds(node: Node, key: string, record: { offset: number; id: number }): boolean {
  const { records } = logOf(node, key);
  return records.some(({ offset, id }) => offset === record.offset && id === record.id);
}

/** I3 and I4: whoever is in sync or eligible, and lives the life the log means, holds what was promised; so whoever is elected does. */
export function judgeMembers(world: World): void {
  const { image } = world.cell;
  for (const [key, { isr, elr, sealed }] of partitionsOf(image)) {
    if (sealed !== null) {
      judgeTier(world, key, sealed.end);
      continue;
    }
    for (const brokerId of [...isr, ...elr]) {
      const node = nodeOf(world, brokerId);
      if (node?.isUp !== true || node.brokerEpoch !== image.brokers.get(brokerId)?.epoch) continue;
      for (const [offset, id] of world.promised.get(key) ?? []) {
        if (holds(node, key, { offset, id })) continue;
        throw new Violation(`${key}: member ${brokerId} lacks the promised offset ${offset} (I3)`);
      }
    }
  }
}

/** Of a sealed partition the object store holds what was promised, whoever is in sync. */
function judgeTier(world: World, key: string, end: number): void {
  const tier = world.tier.get(key);
  for (const [offset, id] of world.promised.get(key) ?? []) {
    const isThere = tier?.records.some((each) => each.offset === offset && each.id === id) ?? false;
    if (isThere && offset < end) continue;
    throw new Violation(`${key}: it is sealed at ${end} without the promised offset ${offset}`);
  }
}

export function start(world: World, node: Node): void {
  if (node.isUp) return;
  node.life += 1;
  const name = `${node.name}.${node.directory}`;
  const registered = world.run((image, now) =>
    registerBroker(
      image,
      {
        ...newBroker(name, "abc"[world.nodes.indexOf(node) % 3]),
        ephemeral: true,
        brokerId: node.brokerId === -1 ? null : node.brokerId,
        incarnation: `${name}-${node.life}`,
        storedIncarnations: [`${name}-${node.life - 1}`],
        previousEnd: node.previousEnd,
        flushed: [],
        ends: endsOf(node, image),
      },
      now,
    ),
  );
  if (registered === null) throw new Error("registrations are not rejected");
  node.brokerId = registered.brokerId;
  node.brokerEpoch = registered.brokerEpoch;
  node.isUp = true;
  node.previousEnd = "processCrash";
}

export function endsOf(node: Node, image: Image) {
  const ends = [];
  for (const topic of image.topics.values()) {
    for (const { index } of topic.partitions) {
      const log = logOf(node, keyOf(topic.topicId, index));
      ends.push({
        topicId: topic.topicId,
        index,
        lastEpoch: lastEpoch(log),
        logEndOffset: log.end,
        highWatermark: log.highWatermark,
      });
    }
  }
  return ends;
}

/** A process ends. What a host crash keeps of the unflushed is a matter of luck. */
export function crash(node: Node, { isHost, luck }: { isHost: boolean; luck: number }): void {
  if (!node.isUp) return;
  node.isUp = false;
  node.views.clear();
  for (const log of node.logs.values()) {
    if (isHost) loseTail(log, luck);
    log.highWatermark = Math.min(log.checkpoint, log.end);
    log.checkpoint = log.highWatermark;
  }
  // Down twice without having come up: the worse end counts.
  if (isHost) node.previousEnd = "hostCrash";
}

/** The directory is empty from now on: what starts there is a new broker. */
export function wipe(node: Node): void {
  if (node.isUp) return;
  node.logs.clear();
  node.directory += 1;
  node.brokerId = -1;
  node.life = 0;
  node.previousEnd = "new";
}

export function flush(node: Node): void {
  for (const log of node.logs.values()) {
    log.flushedEnd = log.end;
    log.checkpoint = log.highWatermark;
  }
}

/** Replays the metadata log to its head. */
export function observe(world: World, node: Node): void {
  if (!node.isUp) return;
  const { image } = world.cell;
  node.isAsleep = isSleeping(image);
  const brokerEpochs = new Map(
    [...image.brokers.values()].map((each) => [each.brokerId, each.epoch]),
  );
  const isActive = activeIn(image);
  const active = new Set([...image.brokers.keys()].filter(isActive));
  for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      if (!partition.replicas.includes(node.brokerId)) continue;
      adopt(world, node, { topic, partition, brokerEpochs, active });
    }
  }
}

type Heard = Pick<View, "partition" | "brokerEpochs" | "active"> & { topic: Topic };

function adopt(world: World, node: Node, { topic, ...heard }: Heard): void {
  const { partition, brokerEpochs } = heard;
  const key = keyOf(topic.topicId, partition.index);
  const known = node.views.get(key);
  const bound = minIsr(world.cell.image, topic, partition);
  if (known?.partition.leaderEpoch === partition.leaderEpoch) {
    if (known.partition.partitionEpoch < partition.partitionEpoch) known.pending = null;
    for (const [id, { brokerEpoch }] of known.followers) {
      if (brokerEpochs.get(id) !== brokerEpoch) known.followers.delete(id);
    }
    Object.assign(known, { ...heard, minIsr: bound });
    return;
  }
  const log = logOf(node, key);
  if (partition.leader === node.brokerId) lead(world, log, partition);
  node.views.set(key, {
    ...heard,
    minIsr: bound,
    start: log.epochs.findLast(({ epoch }) => epoch === partition.leaderEpoch)?.start ?? log.end,
    followers: new Map(),
    pending: null,
  });
}

/** All that is below the seal is in the object store, and the log begins behind it. Here it is the same log. */
function beginAtSeal(world: World, log: ReplicaLog, partition: Partition): void {
  const at = bootstrapAt(partition, { logEndOffset: log.end, lastEpoch: lastEpoch(log) });
  if (at === null || !world.bootstraps) return;
  const tier = world.tier.get(keyOf(world.topicId, partition.index));
  if (tier?.end !== at) throw new Violation(`the object store has no seal at ${at}`);
  Object.assign(log, copyOf(tier), { flushedEnd: at, highWatermark: at, checkpoint: at });
}

export function copyOf(log: ReplicaLog): ReplicaLog {
  return { ...log, records: [...log.records], epochs: [...log.epochs] };
}

/**
 * L1, after F8: whatever recovery the log has not been through comes first, also one of a term that ended before this broker had heard of it.
 */
function lead(world: World, log: ReplicaLog, partition: Partition): void {
  const { leaderEpoch, recoveries } = partition;
  if (lastEpoch(log) >= leaderEpoch) return;
  beginAtSeal(world, log, partition);
  const missed = recoveries.filter(({ epoch }) => lastEpoch(log) < epoch);
  for (const { end, start: next } of missed) {
    truncate(log, end);
    log.highWatermark = Math.min(log.highWatermark, log.end);
    log.end = next;
  }
  beginEpoch(log, { epoch: leaderEpoch, start: log.end });
  // One control batch, so that followers find a record behind the gap.
  if (missed.length > 0) append(log, leaderEpoch, world.nextId++);
}

export function leads(node: Node, key: string): View | null {
  const view = node.views.get(key);
  return node.isUp && view?.partition.leader === node.brokerId ? view : null;
}

export function produce(world: World, node: Node, key: string): void {
  const view = leads(node, key);
  if (view === null || view.partition.isr.length < view.minIsr) return;
  if (node.isAsleep || view.partition.sealed !== null) return;
  append(logOf(node, key), view.partition.leaderEpoch, world.nextId++);
  advance(world, node, key);
}

/** One fetch, from question to answer. The leader and the follower may have heard different things. */
export function fetch(world: World, node: Node, fetching: { key: string; count: number }): void {
  const { key, count } = fetching;
  const own = node.views.get(key);
  if (!node.isUp || own === undefined || own.partition.leader === node.brokerId) return;
  const leader = nodeOf(world, own.partition.leader);
  const view = leader === undefined ? null : leads(leader, key);
  if (leader === undefined || view === null) return;
  if (view.partition.leaderEpoch !== own.partition.leaderEpoch) return;
  if (!view.partition.replicas.includes(node.brokerId)) return;
  if (view.brokerEpochs.get(node.brokerId) !== node.brokerEpoch) return;
  const log = logOf(node, key);
  const theirs = logOf(leader, key);
  const { recoveries } = view.partition;
  follow(log, theirs, { recoveries, count: 0 });
  // Where the log agrees with the leader's: what the next fetch asks for, and counts from.
  view.followers.set(node.brokerId, { brokerEpoch: node.brokerEpoch, end: log.end });
  advance(world, leader, key);
  follow(log, theirs, { recoveries, count });
  log.highWatermark = Math.max(log.highWatermark, Math.min(theirs.highWatermark, log.end));
}

/** L4 under I7: what all members of the maximal set hold is committed, and shown. */
function advance(world: World, node: Node, key: string): void {
  const view = leads(node, key);
  if (view === null || view.partition.isr.length < view.minIsr) return;
  const log = logOf(node, key);
  const maximal = new Set([
    ...view.partition.isr,
    ...(view.pending?.isr.map(({ brokerId }) => brokerId) ?? []),
  ]);
  let end = log.end;
  for (const id of maximal) {
    if (id === node.brokerId) continue;
    const follower = view.followers.get(id);
    if (follower === undefined) return;
    end = Math.min(end, follower.end);
  }
  if (end <= log.highWatermark) return;
  log.highWatermark = end;
  show(world, log, key);
}

function show(world: World, log: ReplicaLog, key: string): void {
  const shown = world.shown.get(key) ?? new Map<number, number>();
  const promised = world.promised.get(key) ?? new Map<number, number>();
  world.shown.set(key, shown);
  world.promised.set(key, promised);
  for (const { offset, id } of log.records) {
    if (offset >= log.highWatermark) break;
    const before = shown.get(offset);
    if (before === id) continue;
    if (before !== undefined) {
      throw new Violation(`${key}: offset ${offset} means record ${before} and record ${id}`);
    }
    shown.set(offset, id);
    promised.set(offset, id);
  }
}

/** L5 and L6, and the confirmation of a set that others made smaller. */
export function propose(node: Node, key: string, wanted: "shrink" | "expand" | "confirm"): void {
  const view = leads(node, key);
  if (view === null || view.pending !== null) return;
  const { partition, brokerEpochs, start: startOffset } = view;
  const log = logOf(node, key);
  let isr = [...partition.isr];
  if (wanted === "shrink") {
    isr = isr.filter((id) => id === node.brokerId || view.followers.get(id)?.end === log.end);
  }
  if (wanted === "expand") {
    const bound = Math.max(log.highWatermark, startOffset);
    isr = partition.replicas.filter(
      (id) =>
        isr.includes(id) || (view.active.has(id) && (view.followers.get(id)?.end ?? -1) >= bound),
    );
  }
  const epochOf = (id: number) => view.followers.get(id)?.brokerEpoch ?? brokerEpochs.get(id) ?? -1;
  const [topicId, index] = splitKey(key);
  view.pending = {
    topicId,
    index,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    isr: isr.map((id) => ({
      brokerId: id,
      brokerEpoch: id === node.brokerId ? node.brokerEpoch : epochOf(id),
    })),
  };
}

function splitKey(key: string): [string, number] {
  const at = key.lastIndexOf("-");
  return [key.slice(0, at), Number(key.slice(at + 1))];
}

/** The proposal reaches the log now; whether the leader ever hears of it is another matter. */
export function deliver(
  world: World,
  node: Node,
  { key, isHeard }: { key: string; isHeard: boolean },
) {
  const view = leads(node, key);
  const proposal = view?.pending;
  if (view === null || proposal === null || proposal === undefined) return;
  const { brokerId, brokerEpoch } = node;
  const request = { brokerId, brokerEpoch, partitions: [proposal] };
  const outcomes = world.run((image, now) => alterPartitions(image, [request], now));
  const outcome = outcomes?.[0];
  if (!isHeard || outcome === undefined) return;
  const answer = outcome.kind === "done" ? outcome.partitions[0] : undefined;
  // The entry, not the answer: an entry before it may have raised min.insync.replicas, and the log judged the set by that.
  if (answer?.error === null) observe(world, node);
  else if (answer?.error === "INELIGIBLE_REPLICA") view.pending = null;
}
