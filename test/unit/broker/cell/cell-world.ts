import { defaultCellConfig } from "../../../../broker/cell/cell-config.ts";
import type { CellConfig } from "../../../../broker/cell/cell-config.ts";
import type {
  CellEffect,
  CellEvent,
  HeartbeatAnswer,
  HeartbeatReport,
} from "../../../../broker/cell/cell-events.ts";
import { createCell, stepCell } from "../../../../broker/cell/cell.machine.ts";
import type { TieredTo, Untold } from "../../../../broker/cell/tier-ends.ts";
import type { CellState } from "../../../../broker/cell/cell-state.ts";
import { createCell as createCellEntry } from "../../../../metadata/commands/create-cell.ts";
import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import type { NewTopic } from "../../../../metadata/commands/create-topics.ts";
import type { Command } from "../../../../metadata/commands/command.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import type { RegisterBrokerRequest } from "../../../../metadata/commands/register-broker.ts";
import { applyEntry } from "../../../../metadata/image/apply.ts";
import { createImageChecker } from "../../../../metadata/image/image-checker.ts";
import type { ImageChecker } from "../../../../metadata/image/image-checker.ts";
import { createImage } from "../../../../metadata/image/image.ts";
import type { Image, Partition } from "../../../../metadata/image/image.ts";
import { randomUuid } from "../../../../metadata/log/uuid.ts";
import type { MetadataRecord } from "../../../../metadata/records/table.ts";
import { newBroker, seededRandom } from "../../metadata/test-cell.ts";

/** A broker's process with its machine, its copy of the image, and its connections. */
export type Node = {
  readonly name: string;
  image: Image;
  brokerId: number;
  life: number;
  state: CellState;
  isUp: boolean;
  isPaused: boolean;
  /** Its machine room has power: a dead process is refused, a dead host is silent. */
  isHostUp: boolean;
  canReadLog: boolean;
  logReadMs: number;
  /** While paused: what arrives, timers first. */
  waiting: (() => void)[];
  /** Brokers it has a heartbeat connection to. */
  readonly connections: Set<number>;
  ends: HeartbeatReport["ends"];
  readonly alarms: string[];
  readonly serving: { reads: boolean; acks1: boolean };
  readonly submitted: string[];
  stoppedFor: string | null;
  isToldToSleep: boolean;
};

/** Many machines on one clock: messages take a millisecond or two, the log a few. Everything comes from the seed. */
export type CellWorld = {
  nowMs: number;
  readonly nodes: Node[];
  readonly entries: MetadataRecord[][];
  /** Pairs of names between which nothing passes. */
  readonly cuts: Set<string>;
  /** Replayed to the head. */
  readonly head: Image;
  readonly config: CellConfig;
  readonly clusterId: string;
  /** By partitionKey; null: no records are kept there. */
  readonly tier: Map<string, TieredTo | Untold> | null;
  isTierUp: boolean;
  /** How often the object store has been asked. */
  tierQuestions: number;
};

type Internals = CellWorld & {
  readonly queue: { atMs: number; sequence: number; run: () => void }[];
  sequence: number;
  readonly random: ReturnType<typeof seededRandom>;
  readonly replies: Map<number, (effect: CellEffect) => void>;
  nextReply: number;
  readonly checker: ImageChecker;
};

export type WorldOptions = {
  brokers: number;
  config?: Partial<CellConfig>;
  seed?: number;
  broker?: Partial<RegisterBrokerRequest>;
  tier?: Map<string, TieredTo | Untold> | null;
};

export function createCellWorld({
  brokers,
  config,
  seed = 1,
  broker = {},
  tier = null,
}: WorldOptions): CellWorld {
  const world: Internals = {
    nowMs: 1_000,
    nodes: [],
    entries: [],
    cuts: new Set(),
    head: createImage(),
    config: { ...defaultCellConfig, ...config },
    clusterId: "",
    tier,
    isTierUp: true,
    tierQuestions: 0,
    queue: [],
    sequence: 0,
    random: seededRandom(seed),
    replies: new Map(),
    nextReply: 1,
    checker: createImageChecker(),
  };
  commandAtHead(world, createCellEntry);
  const cluster = commandAtHead(world, (image, now) => createCluster(image, { name: "dev" }, now));
  Object.assign(world, { clusterId: cluster?.clusterId });
  for (let index = 0; index < brokers; index++) addBroker(world, broker);
  return world;
}

export function addBroker(world: CellWorld, broker: Partial<RegisterBrokerRequest> = {}): Node {
  const node: Node = {
    name: String(world.nodes.length + 1),
    image: createImage(),
    brokerId: -1,
    life: 0,
    state: null as never,
    isUp: false,
    isPaused: false,
    isHostUp: true,
    canReadLog: true,
    logReadMs: 0,
    waiting: [],
    connections: new Set(),
    ends: [],
    alarms: [],
    serving: { reads: true, acks1: true },
    submitted: [],
    stoppedFor: null,
    isToldToSleep: false,
  };
  world.nodes.push(node);
  startBroker(world, node, broker);
  return node;
}

export function startBroker(
  world: CellWorld,
  node: Node,
  broker: Partial<RegisterBrokerRequest> = {},
): void {
  const inner = world as Internals;
  if (node.isUp) throw new Error("it runs already");
  node.life += 1;
  node.isUp = node.isHostUp = true;
  node.isPaused = false;
  node.stoppedFor = null;
  node.connections.clear();
  node.image = createImage();
  node.state = null as never;
  Object.assign(node.serving, { reads: true, acks1: true });
  const { life, name } = node;
  const registered = commandAtHead(inner, (image, now) =>
    registerBroker(
      image,
      {
        ...newBroker(name, "abc"[(Number(name) - 1) % 3]),
        ...broker,
        brokerId: node.brokerId === -1 ? null : node.brokerId,
        incarnation: `${name}-${life}`,
        storedIncarnations: [`${name}-${life - 1}`],
        previousEnd: broker.previousEnd ?? (life === 1 ? "new" : "processCrash"),
      },
      now,
    ),
  );
  if (registered === null) throw new Error("registrations are accepted");
  node.brokerId = registered.brokerId;
  readLog(inner, node);
  node.state = createCell({
    brokerId: registered.brokerId,
    brokerEpoch: registered.brokerEpoch,
    config: world.config,
    hasTier: inner.tier !== null,
    random: () => inner.random.float(),
    nowMs: world.nowMs,
  });
  tickOn(inner, node, life);
}
/** kill -9, with or without the host under it. Connections of a process are closed by its kernel, those of a host just end. */
export function kill(world: CellWorld, node: Node, { isHost = false } = {}): void {
  node.isUp = false;
  node.isHostUp = !isHost;
  if (!isHost) disconnect(world as Internals, node);
}
export function pause(node: Node): void {
  node.isPaused = true;
}
export function resume(world: CellWorld, node: Node): void {
  node.isPaused = false;
  const waiting = node.waiting;
  node.waiting = [];
  for (const run of waiting) if (node.isUp) run();
  void world;
}
export function cut(world: CellWorld, left: Node, right: Node): void {
  world.cuts.add([left.name, right.name].sort().join());
}
export function heal(world: CellWorld): void {
  world.cuts.clear();
}
export function stopBroker(world: CellWorld, node: Node): void {
  step(world as Internals, node, { type: "stopAsked" });
}
export function nodeOf(world: CellWorld, brokerId: number | null): Node | undefined {
  return world.nodes.find((node) => node.brokerId === brokerId);
}
/** The node the log names, if it runs and knows it. */
export function controllerOf(world: CellWorld): Node | undefined {
  const node = nodeOf(world, world.head.controller.brokerId);
  return node?.isUp === true && node.state.office?.epoch === world.head.controller.epoch
    ? node
    : undefined;
}
export function partitionsOf({ head }: CellWorld): Partition[] {
  return [...head.topics.values()].flatMap(({ partitions }) => partitions);
}
export function addTopic(world: CellWorld, topic: NewTopic): void {
  const { clusterId } = world;
  commandAtHead(world as Internals, (image, now) => createTopic(image, { clusterId, topic }, now));
}
/** Lets time pass. `until` ends it early, and its moment is returned; null if it never came. */
export function pass(
  world: CellWorld,
  durationMs: number,
  until: (world: CellWorld) => boolean = () => false,
): number | null {
  const { queue } = world as Internals;
  const endMs = world.nowMs + durationMs;
  for (;;) {
    if (until(world)) return world.nowMs;
    let next = 0;
    for (let index = 1; index < queue.length; index++) {
      if (isBefore(queue[index], queue[next])) next = index;
    }
    const due = queue[next];
    if (due === undefined || due.atMs > endMs) break;
    queue.splice(next, 1);
    world.nowMs = due.atMs;
    due.run();
  }
  world.nowMs = endMs;
  return null;
}
type Queued = Internals["queue"][number];
function isBefore(left: Queued | undefined, right: Queued | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.sequence < right.sequence);
}
/** Runs a command where the log is, as whoever is not a broker does. */
export function commandAtHead<Result>(world: CellWorld, command: Command<Result>): Result | null {
  const inner = world as Internals;
  const { head, entries } = inner;
  for (;;) {
    const context = {
      nowMs: 1_700_000_000_000 + world.nowMs,
      revision: head.revision + 1,
      uuid: () => randomUuid(inner.random),
    };
    const decision = command(head, context);
    if (decision.kind === "rejected") return null;
    if (decision.records.length > 0) {
      entries.push([...decision.records]);
      const { records } = decision;
      const changes = applyEntry(head, { revision: entries.length, hash: "", records });
      const problems = inner.checker.check(head, changes);
      if (problems.length > 0) throw new Error(problems.join("; "));
      for (const node of inner.nodes) {
        later(inner, 3 + inner.random.float() * 20, () =>
          running(node, () => readLog(inner, node)),
        );
      }
    }
    if (decision.isIncomplete !== true) return decision.result;
  }
}
function readLog(world: Internals, node: Node): void {
  if (!node.canReadLog) return;
  node.logReadMs = world.nowMs;
  while (node.image.revision < world.entries.length) {
    const revision = node.image.revision + 1;
    const records = world.entries[revision - 1] ?? [];
    const changes = applyEntry(node.image, { revision, hash: "", records });
    // At its start it replays before it has a machine.
    if ((node.state as CellState | null)?.brokerId === node.brokerId) {
      step(world, node, { type: "applied", changes });
    }
  }
}
function tickOn(world: Internals, node: Node, life: number): void {
  later(world, world.config.tickMs, () => {
    if (!node.isUp || node.life !== life) return;
    running(
      node,
      () => {
        readLog(world, node);
        step(world, node, { type: "tick", logReadMs: node.logReadMs });
      },
      "timer",
    );
    tickOn(world, node, life);
  });
}
function later(world: Internals, delayMs: number, run: () => void): void {
  world.queue.push({ atMs: world.nowMs + delayMs, sequence: world.sequence++, run });
}
/** Now, or when the process goes on; never in a later life of it. */
function running(node: Node, run: () => void, kind: "timer" | "message" = "message"): void {
  if (!node.isUp) return;
  if (!node.isPaused) return run();
  // One timer of each kind: a process that stood still finds it due once.
  if (kind === "timer") {
    if (!node.waiting.some(({ name }) => name === "timer")) {
      node.waiting.unshift(Object.defineProperty(run, "name", { value: "timer" }));
    }
  } else node.waiting.push(run);
}
export function step(world: CellWorld, node: Node, event: CellEvent): void {
  if (!node.isUp) return;
  const inner = world as Internals;
  const { image, state } = node;
  for (const effect of stepCell(state, event, { image, nowMs: world.nowMs })) {
    perform(inner, node, effect);
  }
}
function perform(world: Internals, node: Node, effect: CellEffect): void {
  switch (effect.type) {
    case "heartbeat":
      return sendHeartbeat(world, node, effect);
    case "answerHeartbeat":
    case "answerVote": {
      const reply = world.replies.get(effect.replyTo);
      world.replies.delete(effect.replyTo);
      return reply?.(effect);
    }
    case "dial":
      return dial(world, node, effect);
    case "askVote":
      for (const brokerId of effect.brokerIds) askVote(world, node, { ...effect, brokerId });
      return;
    case "submit":
      return submit(world, node, effect);
    case "readLog":
      return later(world, 1, () => running(node, () => readLog(world, node)));
    case "readTier":
      return readTier(world, node, effect);
    case "serve":
      return void Object.assign(node.serving, { reads: effect.reads, acks1: effect.acks1 });
    case "alarm":
      return void node.alarms.push(effect.message);
    // Its process closes the broker, which drains it first.
    case "sleep":
      node.isToldToSleep = true;
      return step(world, node, { type: "stopAsked" });
    case "stop":
      node.stoppedFor = effect.reason;
      node.isUp = false;
      return disconnect(world, node);
  }
}

function readTier(world: Internals, node: Node, asked: EffectOf<"readTier">): void {
  world.tierQuestions += 1;
  later(world, 5 + world.random.float() * 50, () =>
    running(node, () =>
      step(world, node, { ...asked, type: "tierRead", ends: world.isTierUp ? world.tier : null }),
    ),
  );
}

type EffectOf<Type extends CellEffect["type"]> = Extract<CellEffect, { type: Type }>;

/** What a message to the broker meets: an open way, a refusal, or nothing at all. */
function wayTo(world: Internals, from: Node, brokerId: number): Node | "refused" | "silent" {
  const to = nodeOf(world, brokerId);
  if (to === undefined || !to.isHostUp) return "silent";
  if (world.cuts.has([from.name, to.name].sort().join())) return "silent";
  return to.isUp ? to : "refused";
}

function latency(world: Internals): number {
  return 0.5 + world.random.float() * 2;
}

function sendHeartbeat(
  world: Internals,
  node: Node,
  { brokerId, heartbeat }: EffectOf<"heartbeat">,
) {
  const way = wayTo(world, node, brokerId);
  const timeoutMs = 2_000;
  const { counter } = heartbeat;
  const { life } = node;
  let isSettled = false;
  const settle = (event: CellEvent) => {
    if (isSettled || node.life !== life) return;
    isSettled = true;
    running(node, () => step(world, node, event));
  };
  later(world, timeoutMs, () => settle({ type: "heartbeatFailed", counter, reason: "timedOut" }));
  if (way === "silent") return;
  if (way === "refused") {
    return later(world, latency(world), () =>
      settle({ type: "heartbeatFailed", counter, reason: "refused" }),
    );
  }
  node.connections.add(brokerId);
  const replyTo = world.nextReply++;
  world.replies.set(replyTo, (effect) => {
    if (effect.type !== "answerHeartbeat" || wayTo(world, way, node.brokerId) === "silent") return;
    const answer: HeartbeatAnswer = effect.answer;
    later(world, latency(world), () => settle({ type: "heartbeatAnswered", counter, answer }));
  });
  const report = { ends: node.ends, loads: [] };
  later(world, latency(world), () =>
    running(way, () => step(world, way, { type: "heartbeatReceived", replyTo, heartbeat, report })),
  );
}

/** A process's kernel closes its connections, and the other ends are told where the way is open. */
function disconnect(world: Internals, node: Node): void {
  const { brokerId } = node;
  for (const other of world.nodes) {
    const isOpen = wayTo(world, node, other.brokerId) === other;
    if (other === node || !isOpen) continue;
    if (node.connections.has(other.brokerId)) {
      tellClosed(world, other, { brokerId, side: "theirs" });
    }
    if (other.connections.delete(brokerId)) tellClosed(world, other, { brokerId, side: "ours" });
  }
  node.connections.clear();
}

function tellClosed(
  world: Internals,
  node: Node,
  closed: { brokerId: number; side: "theirs" | "ours" },
): void {
  later(world, latency(world), () =>
    running(node, () => step(world, node, { type: "connectionClosed", ...closed })),
  );
}

function dial(world: Internals, node: Node, { brokerId, timeoutMs }: EffectOf<"dial">): void {
  const way = wayTo(world, node, brokerId);
  const outcome = way === "silent" ? "timedOut" : way === "refused" ? "refused" : "answered";
  later(world, way === "silent" ? timeoutMs : latency(world), () =>
    running(node, () => step(world, node, { type: "dialled", brokerId, outcome })),
  );
}

type Asking = Omit<EffectOf<"askVote">, "brokerIds"> & { brokerId: number };

function askVote(world: Internals, node: Node, { brokerId, round, ...asked }: Asking): void {
  const way = wayTo(world, node, brokerId);
  const tell = (outcome: "granted" | "denied" | "refused" | "silent", controllerEpoch = -1) =>
    running(node, () =>
      step(world, node, { type: "voteAnswered", round, brokerId, outcome, controllerEpoch }),
    );
  if (way === "silent") return later(world, asked.timeoutMs, () => tell("silent"));
  if (way === "refused") return later(world, latency(world), () => tell("refused"));
  const replyTo = world.nextReply++;
  let isSettled = false;
  world.replies.set(replyTo, (effect) => {
    if (effect.type !== "answerVote" || wayTo(world, way, node.brokerId) === "silent") return;
    later(world, latency(world), () => {
      if (isSettled) return;
      isSettled = true;
      tell(effect.isGranted ? "granted" : "denied", effect.controllerEpoch);
    });
  });
  later(world, asked.timeoutMs, () => {
    if (!isSettled) tell("silent");
    isSettled = true;
  });
  const { controllerEpoch } = asked;
  later(world, latency(world), () =>
    running(way, () => step(world, way, { type: "voteAsked", replyTo, controllerEpoch })),
  );
}

function submit(world: Internals, node: Node, { id, name, command }: EffectOf<"submit">): void {
  node.submitted.push(name);
  later(world, 4 + world.random.float() * 10, () =>
    running(node, () => {
      if (!node.canReadLog) {
        return later(world, 1_000, () =>
          running(node, () => submitted(world, node, { id, outcome: { kind: "unavailable" } })),
        );
      }
      readLog(world, node);
      let rejection = "";
      const result = commandAtHead(world, (image, context) => {
        const decision = command(image, context);
        if (decision.kind === "rejected") rejection = decision.error;
        return decision;
      });
      readLog(world, node);
      const outcome =
        rejection === ""
          ? { kind: "accepted" as const, result }
          : { kind: "rejected" as const, error: rejection };
      submitted(world, node, { id, outcome });
    }),
  );
}

function submitted(
  world: Internals,
  node: Node,
  { id, outcome }: Omit<Extract<CellEvent, { type: "submitted" }>, "type">,
): void {
  step(world, node, { type: "submitted", id, outcome });
}
