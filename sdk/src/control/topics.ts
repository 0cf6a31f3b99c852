import type {
  Topic,
  TopicConfig,
  TopicConfigList,
  TopicList,
} from "../../../functions/api-types.ts";
import { settingValue } from "../units.ts";
import type { HttpClient } from "./http-client.ts";
import { allPages } from "./pages.ts";

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
      return describe(
        await http.send<Topic>({ method: "POST", path: base, body, signal: call?.signal }),
      );
    },
    async list() {
      const topics = await allPages(http, base, (page: TopicList) => ({
        items: page.data,
        nextPath: pathWithin(page.metadata.next),
      }));
      return topics.map(describe);
    },
    async get(name, call) {
      return describe(
        await http.send<Topic>({ method: "GET", path: pathOf(name), signal: call?.signal }),
      );
    },
    async grow(name, partitions, call) {
      const body = { partitions_count: partitions };
      return describe(
        await http.send<Topic>({ method: "PATCH", path: pathOf(name), body, signal: call?.signal }),
      );
    },
    async delete(name, call) {
      await http.send({ method: "DELETE", path: pathOf(name), signal: call?.signal });
    },
    async configs(name, call) {
      const path = `${pathOf(name)}/configs`;
      const list = await http.send<TopicConfigList>({ method: "GET", path, signal: call?.signal });
      return list.data.map(describeSetting);
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
        signal: call?.signal,
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

function describeSetting(config: TopicConfig): TopicSettingValue {
  return {
    name: config.name,
    value: config.value,
    isDefault: config.is_default,
    source: config.source,
  };
}

/** Links are absolute; the client keeps to the address it was given, which may be a tunnel's. */
function pathWithin(link: string | null | undefined): string | null {
  if (link === null || link === undefined) return null;
  const url = new URL(link, "http://relative");
  return url.pathname + url.search;
}
