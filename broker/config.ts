import type { CellConfig } from "./cell/cell-config.ts";
import type { LogStoreConfig } from "./log/log-store.ts";
import type { CompactionConfig } from "./cold/compaction-config.ts";
import type { PackingConfig } from "./cold/start-packing.ts";
import type { TieringConfig } from "./cold/tiering-config.ts";
import type { StaticSettings } from "../metadata/settings/broker-settings.ts";

/** What a broker is told at its start. Everything else it learns from the metadata log. */
export type BrokerConfig = {
  /** Its cell's place in the object store: keys begin with `cells/` and this. */
  readonly cellName: string;
  /** Its data directory: who it is, and its log. */
  readonly directory: string;
  /** Where it listens; the port is that of the cluster with offset 0, 0 picks a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** What clients are told, where that differs from `listen` (a container's or a host's name). */
  readonly advertised?: { readonly host: string; readonly port: number };
  /** Position among the brokers of one machine, from 1. */
  readonly slot: number;
  readonly zone: string;
  /** The directory dies with its host. */
  readonly isEphemeral: boolean;
  /** Of the software, as the data directory remembers it. */
  readonly version: string;
  /** Where it differs from the log store's defaults. */
  readonly log: Partial<LogStoreConfig>;
  readonly producers: {
    /** producer.id.expiration.ms: how long an idle producer's sequence numbers are remembered. */
    readonly expirationMs: number;
    /** Producers remembered per partition, and by the whole broker; the least recently used are forgotten first. */
    readonly maxPerPartition: number;
    readonly maxPerBroker: number;
  };
  readonly groups: {
    /** group.initial.rebalance.delay.ms: how long the first rebalance of a group waits for more members. */
    readonly initialRebalanceDelayMs: number;
  };
  /** Times and bounds of its part in the cell, where they differ from the defaults. */
  readonly cell: Partial<CellConfig>;
  /** When records go to the object store, where that differs from the defaults. */
  readonly tiering: Partial<TieringConfig>;
  /** When compacted topics are compacted there, where that differs from the defaults. */
  readonly compaction: Partial<CompactionConfig>;
  /** A safety copy of what is in no segment yet; null where directories outlive their hosts, and it would only be a second one beside them. */
  readonly packing: PackingConfig | null;
  /** How often retention is applied, in milliseconds (log.retention.check.interval.ms). */
  readonly retentionCheckMs: number;
  /** How long a stop waits for requests under way, in milliseconds. */
  readonly stopTimeoutMs: number;
  /** Server settings by Kafka's names, as DescribeConfigs shows them. */
  readonly startedWith: StaticSettings;
};

/** The defaults of a broker of its own process. */
export const defaultBrokerConfig = {
  cellName: "local",
  slot: 1,
  zone: "",
  isEphemeral: false,
  log: {},
  producers: { expirationMs: 86_400_000, maxPerPartition: 10_000, maxPerBroker: 100_000 },
  groups: { initialRebalanceDelayMs: 3_000 },
  cell: {},
  tiering: {},
  compaction: {},
  packing: null,
  retentionCheckMs: 60_000,
  stopTimeoutMs: 10_000,
  startedWith: {},
} as const;
