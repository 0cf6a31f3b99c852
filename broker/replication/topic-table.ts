import type { FailedLeadership } from "../../metadata/commands/resign-leaderships.ts";
import type { Image, Partition as ImagePartition, Topic } from "../../metadata/image/image.ts";
import type { MetadataChange } from "../../metadata/image/changes.ts";
import { minIsr } from "../../metadata/image/min-isr.ts";
import { topicByName } from "../../metadata/image/image.ts";
import { noLeader } from "../../metadata/records/partition.ts";
import type { TopicSettings } from "../../metadata/settings/topic-settings.ts";
import { topicSettings } from "../../metadata/settings/topic-settings.ts";
import type { Clock } from "../../ports/clock.ts";
import type { BatchRules } from "../log/batch-validation.ts";
import type { LogStore } from "../log/log-store.ts";
import type { PartitionLog } from "../log/partition-log.ts";
import type { LogOutput } from "../log-output.ts";
import { batchRules } from "./batch-rules.ts";
import { recoveryStep } from "./follower-step.ts";
import { brokerRegistered } from "./leader-state.ts";
import type { Partition } from "./partition.ts";
import { advance, becomeLeader, createPartition, fail, resign, wake } from "./partition.ts";
import { applyRecoveries, markRecovery } from "./recover-leader.ts";

/** A topic of the image with what this broker holds of it. */
export type LocalTopic = {
  /** Another object once the image was loaded anew; this one stays, for whoever holds it. */
  topic: Topic;
  /** Resolved settings; replaced when the topic's or its cluster's change. */
  settings: TopicSettings;
  /** What produced batches are judged by; follows the settings. */
  rules: BatchRules;
  /** By partition index; undefined where this broker holds no replica. */
  readonly partitions: (Partition | undefined)[];
};

/**
 * What this broker holds, kept equal to the metadata image: logs are opened for replicas placed here and dropped with their topic, leaderships
 * taken and given up. Derived state only: the image decides, this table follows.
 */
export type TopicTable = {
  /** The topic a client of `clusterId` calls `name`; undefined if the image has none. */
  byName(clusterId: string, name: string): LocalTopic | undefined;
  /** The same by id; undefined for another cluster's topic, so that tenants never meet. */
  byId(clusterId: string, topicId: string): LocalTopic | undefined;
  /** Whoever it belongs to: for the broker's own use. */
  local(topicId: string): LocalTopic | undefined;
  all(): Iterable<LocalTopic>;
  /** The partitions this broker has a replica of. */
  held(): Iterable<Partition>;
  /** Follows one applied metadata entry. */
  follow(changes: readonly MetadataChange[]): void;
  /** A commit of the log ended: these logs have grown. */
  committed(logs: Iterable<PartitionLog>): void;
  /** Their last commit failed: those led here are not answered for any longer, until the image names a newer epoch. */
  failed(logs: Iterable<PartitionLog>): FailedLeadership[];
  /** Calls `listener` when a leadership was taken or given up here. */
  onLeadership(listener: LeadershipListener): void;
  /** Calls `listener` when the image has this broker lead what it cannot: the replica is damaged, or cannot be brought to where its recovery has it. */
  onUnfit(listener: (failed: FailedLeadership) => void): void;
};

export type LeadershipListener = (topic: Topic, partition: Partition) => void;

export type TopicTableOptions = {
  brokerId: number;
  brokerEpoch: number;
  image: () => Image;
  store: LogStore;
  clock: Clock;
  log: LogOutput;
  following: Following;
  restoring: Restoring;
};

/** How a log comes to hold what the object store has of it, where it ends below that. */
export type Restoring = {
  /** Whether that has to be done before the log is led. */
  isDue(log: PartitionLog, state: ImagePartition): boolean;
  /** False if it cannot be done now. `isWanted`: whether the log is still to be led by that state. */
  restore(log: PartitionLog, state: ImagePartition, isWanted: () => boolean): Promise<boolean>;
};

/** Who follows the leaders of the replicas here that do not lead. */
export type Following = {
  follow(topic: LocalTopic, partition: Partition, leader: { id: number; epoch: number }): void;
  unfollow(partition: Partition): void;
};

type Table = TopicTableOptions & {
  readonly topics: Map<string, LocalTopic>;
  readonly partitionOf: Map<PartitionLog, Partition>;
  readonly listeners: LeadershipListener[];
  readonly unfitListeners: ((failed: FailedLeadership) => void)[];
  /** Elected here, and on their way to what the recovery has left of them. */
  readonly recovering: Set<Partition>;
  /** Those that could not be restored: in which term, and since when. */
  readonly waiting: WeakMap<Partition, { readonly epoch: number; readonly sinceMs: number }>;
};

export function createTopicTable(options: TopicTableOptions): TopicTable {
  const table: Table = {
    ...options,
    topics: new Map(),
    partitionOf: new Map(),
    listeners: [],
    unfitListeners: [],
    recovering: new Set(),
    waiting: new WeakMap(),
  };
  const { topics, partitionOf, listeners } = table;
  return {
    byName(clusterId, name) {
      const topic = topicByName(options.image(), clusterId, name);
      return topic === undefined ? undefined : topics.get(topic.topicId);
    },
    byId(clusterId, topicId) {
      const local = topics.get(topicId);
      return local?.topic.clusterId === clusterId ? local : undefined;
    },
    local: (topicId) => topics.get(topicId),
    all: () => topics.values(),
    held: () => partitionOf.values(),
    follow(changes) {
      for (const change of changes) follow(table, change);
    },
    committed(logs) {
      for (const log of logs) {
        const partition = partitionOf.get(log);
        if (partition !== undefined) advance(partition);
      }
    },
    failed(logs) {
      const failed: FailedLeadership[] = [];
      for (const log of logs) {
        const partition = partitionOf.get(log);
        const local = topics.get(log.topicId);
        if (partition?.isLeader !== true || local === undefined) continue;
        fail(partition);
        tell(table, local, partition);
        failed.push(failedLeadership(partition, partition.leaderEpoch));
      }
      return failed;
    },
    onLeadership: (listener) => void listeners.push(listener),
    onUnfit: (listener) => void table.unfitListeners.push(listener),
  };
}

function follow(table: Table, change: MetadataChange): void {
  switch (change.kind) {
    case "topicCreated":
    case "partitionsAdded":
      return add(table, change.topicId);
    case "partitionChanged": {
      const local = table.topics.get(change.topicId);
      return local === undefined ? undefined : place(table, local, change.index);
    }
    case "topicConfigsChanged": {
      const local = table.topics.get(change.topicId);
      return local === undefined ? undefined : settle(table, local);
    }
    case "clusterDefaultsChanged":
      for (const local of table.topics.values()) {
        if (local.topic.clusterId === change.clusterId) settle(table, local);
      }
      return;
    case "topicDeleted":
      return drop(table, change.topic.topicId);
    case "brokerRegistered":
      return registered(table, change.brokerId);
    case "reloaded":
      return reload(table);
    case "clusterCreated":
    case "clusterUpdated":
    case "clusterDeleted":
    case "topicPurged":
    case "brokerStateChanged":
    case "brokerUnregistered":
    case "controllerChanged":
    case "cellSleepChanged":
    case "levelChanged":
      return;
  }
}

function add(table: Table, topicId: string): void {
  const topic = table.image().topics.get(topicId);
  if (topic === undefined) return;
  let local = table.topics.get(topicId);
  if (local === undefined) {
    const settings = topicSettings(table.image(), topic);
    local = { topic, settings, rules: batchRules(settings), partitions: [] };
    table.topics.set(topicId, local);
  } else local.topic = topic;
  for (const { index } of topic.partitions) place(table, local, index);
}

function settle(table: Table, local: LocalTopic): void {
  local.settings = topicSettings(table.image(), local.topic);
  local.rules = batchRules(local.settings);
  for (const partition of local.partitions) {
    if (partition === undefined) continue;
    partition.minIsr = minIsrOf(table, local, partition.index);
    partition.log.declareDurability(local.settings.durability);
    advance(partition);
  }
}

function minIsrOf(table: Table, { topic }: LocalTopic, index: number): number {
  const state = topic.partitions[index];
  return state === undefined ? 1 : minIsr(table.image(), topic, state);
}

/** Opens the log of a replica placed here, and takes or gives up its leadership. */
function place(table: Table, local: LocalTopic, index: number): void {
  const { store, brokerId } = table;
  const { topicId } = local.topic;
  const state = local.topic.partitions[index];
  if (state === undefined) return;
  let partition = local.partitions[index];
  if (!state.replicas.includes(brokerId)) {
    if (partition !== undefined) takeAway(table, local, partition);
    return;
  }
  if (partition === undefined) {
    const { durability } = local.settings;
    const log = store.partition(topicId, index) ?? store.create(topicId, index, durability);
    log.declareDurability(durability);
    partition = createPartition(topicId, index, log);
    local.partitions[index] = partition;
    table.partitionOf.set(log, partition);
  }
  partition.minIsr = minIsr(table.image(), local.topic, state);
  const wasLeader = partition.isLeader;
  const isLeader = lead(table, partition, state);
  if (!isLeader && wasLeader) resign(partition);
  if (wasLeader !== isLeader) tell(table, local, partition);
  followLeader(table, local, partition);
}

/** Leads the partition if the image says so and nothing here speaks against it. */
function lead(table: Table, partition: Partition, state: ImagePartition): boolean {
  const { brokerId, clock, store } = table;
  const { brokers } = table.image();
  const isElected = state.leader === brokerId && state.leaderEpoch > partition.failedEpoch;
  // Of a registration that is not this process's the leaderships are not either (L1).
  if (!isElected || brokers.get(brokerId)?.epoch !== table.brokerEpoch) return false;
  if (partition.log.failure !== null) {
    unfit(table, partition, state);
    return false;
  }
  if (!isReady(table, partition, state)) {
    void recoverAndLead(table, partition, state);
    return false;
  }
  becomeLeader(partition, state, {
    selfId: brokerId,
    nowMs: clock.monotonicMs(),
    brokerEpochOf: (id) => brokers.get(id)?.epoch ?? -1,
  });
  void markRecovery(partition, { store, leaderId: brokerId, nowMs: clock.nowMs() });
  return true;
}

/** The log is as its recoveries left it, and has what the object store has of it. */
const isReady = ({ restoring }: Table, { log }: Partition, state: ImagePartition): boolean =>
  recoveryStep(log, state.recoveries) === null && !restoring.isDue(log, state);

/** For an object store that does not answer; or has something damaged, and each try is paid for: a fourth of what was waited already. */
const [restoreAgainMs, restoreAtLastMs] = [1_000, 30_000];

function nextTryMs({ waiting, clock }: Table, partition: Partition, epoch: number): number {
  const nowMs = clock.monotonicMs();
  const before = waiting.get(partition);
  const sinceMs = before?.epoch === epoch ? before.sinceMs : nowMs;
  waiting.set(partition, { epoch, sinceMs });
  return Math.min(Math.max((nowMs - sinceMs) / 4, restoreAgainMs), restoreAtLastMs);
}

/** Leads once the log is as the recovery left it; meanwhile clients ask again. */
async function recoverAndLead(
  table: Table,
  partition: Partition,
  state: ImagePartition,
): Promise<void> {
  const { recovering, restoring, topics, log, clock } = table;
  const { recoveries } = state;
  if (recovering.has(partition)) return;
  recovering.add(partition);
  const { topicId, index } = partition;
  const isWanted = (): boolean => {
    const held = topics.get(topicId);
    const now = held?.topic.partitions[index];
    const isSameTerm = now?.leader === state.leader && now.leaderEpoch === state.leaderEpoch;
    return held?.partitions[index] === partition && isSameTerm;
  };
  let isRestored = false;
  try {
    isRestored = await restoring.restore(partition.log, state, isWanted);
    if (isRestored && (await applyRecoveries(partition, recoveries)) && recoveries.length > 0) {
      log.warn("a partition goes on after a recovery that may have lost records", {
        topicId,
        partition: index,
        at: partition.log.nextOffset,
      });
    }
  } catch (error) {
    log.error("a recovered partition cannot be led", { topicId, index, error: String(error) });
  } finally {
    recovering.delete(partition);
  }
  const local = topics.get(topicId);
  if (local?.partitions[index] !== partition) return;
  const isAsItWas = local.topic.partitions[index] === state;
  // Nobody else could do better: it is waited for.
  if (!isRestored && isAsItWas && partition.log.failure === null)
    return void clock.after(nextTryMs(table, partition, state.leaderEpoch), () => {
      if (local.partitions[index] === partition) place(table, local, index);
    });
  // What was decided meanwhile may be another thing: this was in its way.
  if (!isAsItWas || isReady(table, partition, state)) place(table, local, index);
  else unfit(table, partition, state);
}

/** Nobody else would lead it while the image says that this broker does. */
function unfit({ unfitListeners }: Table, partition: Partition, { leaderEpoch }: ImagePartition) {
  partition.failedEpoch = leaderEpoch;
  for (const listener of unfitListeners) listener(failedLeadership(partition, leaderEpoch));
}

const failedLeadership = (
  { topicId, index, log }: Partition,
  leaderEpoch: number,
): FailedLeadership => ({ topicId, index, leaderEpoch, isDamaged: log.failure !== null });

function followLeader(table: Table, local: LocalTopic, partition: Partition): void {
  const state = local.topic.partitions[partition.index];
  const { brokerId, following } = table;
  const isFollower =
    state !== undefined &&
    state.leader !== noLeader &&
    state.leader !== brokerId &&
    partition.log.failure === null;
  if (!isFollower) return following.unfollow(partition);
  following.follow(local, partition, { id: state.leader, epoch: state.leaderEpoch });
}

/** The replica has moved to other brokers. */
function takeAway(table: Table, local: LocalTopic, partition: Partition): void {
  const wasLeader = partition.isLeader;
  resign(partition);
  table.following.unfollow(partition);
  table.partitionOf.delete(partition.log);
  local.partitions[partition.index] = undefined;
  if (wasLeader) tell(table, local, partition);
  table.store.drop(partition.topicId, partition.index);
}

/** A broker's new life: what its former one fetched counts no more. */
function registered(table: Table, brokerId: number): void {
  const epoch = table.image().brokers.get(brokerId)?.epoch;
  if (epoch === undefined || brokerId === table.brokerId) return;
  const nowMs = table.clock.monotonicMs();
  for (const partition of table.partitionOf.values()) {
    if (partition.leaderState === null) continue;
    brokerRegistered(partition.leaderState, { brokerId, epoch }, nowMs);
    wake(partition);
  }
}

function drop(table: Table, topicId: string): void {
  const local = table.topics.get(topicId);
  if (local === undefined) return;
  table.topics.delete(topicId);
  for (const partition of local.partitions) {
    if (partition === undefined) continue;
    takeAway(table, local, partition);
  }
}

function reload(table: Table): void {
  const { topics, store, log } = table;
  const image = table.image();
  for (const topicId of topics.keys()) if (!image.topics.has(topicId)) drop(table, topicId);
  for (const topicId of image.topics.keys()) add(table, topicId);
  for (const local of topics.values()) settle(table, local);
  for (const brokerId of image.brokers.keys()) registered(table, brokerId);
  const strangers = Array.from(store.partitions()).filter(
    ({ topicId, index }) =>
      image.topics.get(topicId)?.partitions[index]?.replicas.includes(table.brokerId) !== true,
  );
  for (const { topicId, index } of strangers) {
    log.info("dropping a log that was deleted or moved elsewhere while this broker was away", {
      topicId,
      partition: index,
    });
    store.drop(topicId, index);
  }
}

function tell({ listeners }: Table, { topic }: LocalTopic, partition: Partition): void {
  for (const listener of listeners) listener(topic, partition);
}
