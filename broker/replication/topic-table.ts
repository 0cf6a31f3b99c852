import type { Image, Topic } from "../../metadata/image/image.ts";
import type { MetadataChange } from "../../metadata/image/changes.ts";
import { topicByName } from "../../metadata/image/image.ts";
import type { TopicSettings } from "../../metadata/settings/topic-settings.ts";
import { topicSettings } from "../../metadata/settings/topic-settings.ts";
import type { BatchRules } from "../log/batch-validation.ts";
import type { LogStore } from "../log/log-store.ts";
import type { PartitionLog } from "../log/partition-log.ts";
import type { LogOutput } from "../log-output.ts";
import { batchRules } from "./batch-rules.ts";
import type { Partition } from "./partition.ts";
import { advance, becomeLeader, createPartition, resign } from "./partition.ts";

/** A topic of the image with what this broker holds of it. */
export type LocalTopic = {
  readonly topic: Topic;
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
  /** Follows one applied metadata entry. */
  follow(changes: readonly MetadataChange[]): void;
  /** A commit of the log ended: these logs have grown. */
  committed(logs: Iterable<PartitionLog>): void;
  /** Their last commit failed: answer for them no longer until the leadership is taken anew. */
  failed(logs: Iterable<PartitionLog>): void;
  /** Calls `listener` when a leadership was taken or given up here. */
  onLeadership(listener: LeadershipListener): void;
};

export type LeadershipListener = (topic: Topic, partition: Partition) => void;

export type TopicTableOptions = {
  brokerId: number;
  image: () => Image;
  store: LogStore;
  log: LogOutput;
};

export function createTopicTable(options: TopicTableOptions): TopicTable {
  const topics = new Map<string, LocalTopic>();
  const partitionOf = new Map<PartitionLog, Partition>();
  const listeners: LeadershipListener[] = [];

  function place(local: LocalTopic): void {
    for (const state of local.topic.partitions) {
      if (!state.replicas.includes(options.brokerId)) continue;
      let partition = local.partitions[state.index];
      if (partition === undefined) {
        const { topicId } = local.topic;
        const log =
          options.store.partition(topicId, state.index) ??
          options.store.create(topicId, state.index);
        partition = createPartition(topicId, state.index, log);
        local.partitions[state.index] = partition;
        partitionOf.set(log, partition);
      }
      lead(local, partition);
    }
  }

  function lead(local: LocalTopic, partition: Partition): void {
    const state = local.topic.partitions[partition.index];
    if (state === undefined) return;
    const wasLeader = partition.isLeader;
    const isLeader = state.leader === options.brokerId && partition.log.failure === null;
    if (isLeader) becomeLeader(partition, state.leaderEpoch, state.isr.length);
    else if (wasLeader) resign(partition);
    if (wasLeader !== isLeader) for (const listener of listeners) listener(local.topic, partition);
  }

  function add(topicId: string): void {
    const topic = options.image().topics.get(topicId);
    if (topic === undefined) return;
    let local = topics.get(topicId);
    if (local === undefined || local.topic !== topic) {
      const settings = topicSettings(options.image(), topic);
      local = { topic, settings, rules: batchRules(settings), partitions: local?.partitions ?? [] };
      topics.set(topicId, local);
    }
    place(local);
  }

  function resettle(local: LocalTopic): void {
    local.settings = topicSettings(options.image(), local.topic);
    local.rules = batchRules(local.settings);
  }

  function drop(topicId: string): void {
    const local = topics.get(topicId);
    topics.delete(topicId);
    for (const partition of local?.partitions ?? []) {
      if (partition === undefined) continue;
      const wasLeader = partition.isLeader;
      resign(partition);
      partitionOf.delete(partition.log);
      if (wasLeader && local !== undefined)
        for (const listener of listeners) listener(local.topic, partition);
      options.store.drop(topicId, partition.index);
    }
  }

  function reload(): void {
    const image = options.image();
    for (const topicId of topics.keys()) if (!image.topics.has(topicId)) drop(topicId);
    for (const topicId of image.topics.keys()) add(topicId);
    for (const local of topics.values()) resettle(local);
    for (const log of options.store.partitions()) {
      if (image.topics.has(log.topicId)) continue;
      options.log.info("dropping the log of a topic deleted while this broker was away", {
        topicId: log.topicId,
      });
      options.store.drop(log.topicId, log.index);
    }
  }

  function followOne(change: MetadataChange): void {
    switch (change.kind) {
      case "topicCreated":
      case "partitionsAdded":
        return add(change.topicId);
      case "partitionChanged": {
        const local = topics.get(change.topicId);
        return local === undefined ? undefined : place(local);
      }
      case "topicConfigsChanged": {
        const local = topics.get(change.topicId);
        return local === undefined ? undefined : resettle(local);
      }
      case "clusterDefaultsChanged":
        for (const local of topics.values()) {
          if (local.topic.clusterId === change.clusterId) resettle(local);
        }
        return;
      case "topicDeleted":
        return drop(change.topic.topicId);
      case "reloaded":
        return reload();
      case "clusterCreated":
      case "clusterUpdated":
      case "clusterDeleted":
      case "topicPurged":
      case "brokerRegistered":
      case "brokerStateChanged":
      case "brokerUnregistered":
      case "controllerChanged":
      case "levelChanged":
        return;
    }
  }

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
    follow(changes) {
      for (const change of changes) followOne(change);
    },
    committed(logs) {
      for (const log of logs) {
        const partition = partitionOf.get(log);
        if (partition !== undefined) advance(partition);
      }
    },
    failed(logs) {
      for (const log of logs) {
        const partition = partitionOf.get(log);
        if (partition !== undefined) resign(partition);
      }
    },
    onLeadership: (listener) => void listeners.push(listener),
  };
}
