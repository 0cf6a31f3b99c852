import type { Partition, Replica, Topic, TopicConfig } from "../../../functions/api-types.ts";
import { settingValue } from "../units.ts";
import type { HttpClient } from "./http-client.ts";
import { allPages, confluentPage } from "./pages.ts";

export type TopicDescription = {
  name: string;
  id: string;
  partitions: number;
  replicationFactor: number;
};

export type CreateTopicOptions = {
  name: string;
  /** The cluster's default (1 unless set otherwise) if absent. */
  partitions?: number;
  replicationFactor?: number;
  /** Kafka's topic settings; `*.ms` take durations (`7d`), `*.bytes` sizes (`512MiB`). */
  configs?: Record<string, string | number | boolean>;
  /** Checks everything and creates nothing. */
  validateOnly?: boolean;
};

export type PartitionDescription = {
  partition: number;
  /** Broker id; null while there is none. */
  leader: number | null;
  replicas: number[];
  inSync: number[];
};

export type TopicSettingValue = {
  name: string;
  value: string | null;
  isDefault: boolean;
  source: string;
};

type Call = { signal?: AbortSignal };

/** The topics of one cluster. Every method rejects with MyelinError. */
export type Topics = {
  create(options: CreateTopicOptions, call?: Call): Promise<TopicDescription>;
  list(call?: Call): Promise<TopicDescription[]>;
  get(name: string, call?: Call): Promise<TopicDescription>;
  /** Adds partitions up to `partitions`; their number never goes down. */
  grow(name: string, partitions: number, call?: Call): Promise<TopicDescription>;
  delete(name: string, call?: Call): Promise<void>;
  partitions(name: string, call?: Call): Promise<PartitionDescription[]>;
  configs(name: string, call?: Call): Promise<TopicSettingValue[]>;
  /** Sets the named settings and leaves the others; null puts one back to its default. */
  configure(
    name: string,
    configs: Record<string, string | number | boolean | null>,
    call?: Call,
  ): Promise<void>;
};

export function createTopics(http: HttpClient, clusterId: string): Topics {
  const base = `/kafka/v3/clusters/${encodeURIComponent(clusterId)}/topics`;
  const pathOf = (name: string): string => `${base}/${encodeURIComponent(name)}`;
  return {
    async create(options, call) {
      const body = {
        topic_name: options.name,
        ...(options.partitions === undefined ? {} : { partitions_count: options.partitions }),
        ...(options.replicationFactor === undefined
          ? {}
          : { replication_factor: options.replicationFactor }),
        ...(options.validateOnly === undefined ? {} : { validate_only: options.validateOnly }),
        configs: Object.entries(options.configs ?? {}).map(([name, value]) => ({
          name,
          value: settingValue(name, value),
        })),
      };
      return describe(await http.send<Topic>({ method: "POST", path: base, body, ...call }));
    },
    async list(call) {
      const topics = await allPages(http, base, { read: confluentPage<Topic>, ...call });
      return topics.map(describe);
    },
    async get(name, call) {
      return describe(await http.send<Topic>({ method: "GET", path: pathOf(name), ...call }));
    },
    async grow(name, partitions, call) {
      const body = { partitions_count: partitions };
      return describe(
        await http.send<Topic>({ method: "PATCH", path: pathOf(name), body, ...call }),
      );
    },
    async delete(name, call) {
      await http.send({ method: "DELETE", path: pathOf(name), ...call });
    },
    async partitions(name, call) {
      const path = `${pathOf(name)}/partitions`;
      const partitions = await allPages(http, path, { read: confluentPage<Partition>, ...call });
      const described: PartitionDescription[] = [];
      for (const { partition_id: partition } of partitions) {
        const replicas = await allPages(http, `${path}/${partition}/replicas`, {
          read: confluentPage<Replica>,
          ...call,
        });
        described.push(describePartition(partition, replicas));
      }
      return described;
    },
    async configs(name, call) {
      const path = `${pathOf(name)}/configs`;
      const configs = await allPages(http, path, { read: confluentPage<TopicConfig>, ...call });
      return configs.map(describeSetting);
    },
    async configure(name, configs, call) {
      const data = Object.entries(configs).map(([setting, value]) =>
        value === null
          ? { name: setting, operation: "DELETE" as const }
          : { name: setting, value: settingValue(setting, value), operation: "SET" as const },
      );
      await http.send({
        method: "POST",
        path: `${pathOf(name)}/configs:alter`,
        body: { data },
        ...call,
      });
    },
  };
}

function describe(topic: Topic): TopicDescription {
  return {
    name: topic.topic_name,
    id: topic.topic_id,
    partitions: topic.partitions_count,
    replicationFactor: topic.replication_factor,
  };
}

function describePartition(partition: number, replicas: Replica[]): PartitionDescription {
  return {
    partition,
    leader: replicas.find((replica) => replica.is_leader)?.broker_id ?? null,
    replicas: replicas.map((replica) => replica.broker_id),
    inSync: replicas.filter((replica) => replica.is_in_sync).map((replica) => replica.broker_id),
  };
}

function describeSetting(config: TopicConfig): TopicSettingValue {
  return {
    name: config.name,
    value: config.value,
    isDefault: config.is_default,
    source: config.source,
  };
}
