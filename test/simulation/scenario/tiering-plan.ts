import type { BrokerConfig } from "../../../broker/config.ts";
import { smallBrokerConfig } from "../cell/sim-cell.ts";
import type { Stream } from "../world/random-streams.ts";

// What a seed draws for tiered storage, from streams of its own: a seed's other draws stay what they are.

const kibibyte = 1024;

/** Everything that is long or large by default is short and small, so that segments are cut, released, read back and deleted within a few simulated seconds. */
export function drawTieringConfig(stream: Stream): Partial<BrokerConfig> {
  const isTiering = stream.chance(0.85);
  const tiering = {
    segmentBytes: Math.floor(stream.logBetween(kibibyte, 64 * kibibyte)),
    maxAgeMs: Math.floor(stream.logBetween(500, 60_000)),
    // Below what the WAL has of files alone, a few of them, or more than a run writes.
    localBudgetBytes: stream.pick([0, 0, 128, 512, 4_096]) * kibibyte,
    // Shorter than readers go on with an old list, too: then they find objects gone, and look anew.
    graceMs: Math.floor(stream.logBetween(2_000, 600_000)),
    checkMs: stream.pick([100, 300, 1_000]),
  };
  const retentionCheckMs = stream.pick([500, 2_000, 10_000]);
  // A log lets go of no more than its last checkpoint knows of, and that comes with a new file.
  const fileBytes = stream.pick([16, 16, 32, 64]) * kibibyte;
  const chunkBytes = 8 * kibibyte;
  const log = { ...smallBrokerConfig.log, chunkBytes, ringBytes: 12 * chunkBytes, fileBytes };
  const hasSmallFiles = stream.chance(0.7);
  if (!isTiering) return {};
  return { tiering, retentionCheckMs, ...(hasSmallFiles ? { log } : {}) };
}

/** As short as tiering's times: packs are put, dropped and swept within a run. Larger than any batch, which goes into no pack otherwise. */
export function drawPackingConfig(
  stream: Stream,
  { hasPacksAlone = false }: { readonly hasPacksAlone?: boolean },
): Partial<BrokerConfig> {
  const isPacking = stream.chance(0.6);
  const packing = {
    intervalMs: Math.floor(stream.logBetween(200, 10_000)),
    packBytes: stream.pick([192, 512]) * kibibyte,
    // Coordinators' logs again and again, too.
    whole: {
      keptPacks: stream.pick([0, 2, 64]),
      settledMs: Math.floor(stream.logBetween(500, 600_000)),
    },
  };
  if (hasPacksAlone)
    return { packing, isEphemeral: true, tiering: { isEager: false, maxAgeMs: 3_600_000 } };
  return isPacking ? { packing } : {};
}

/** In some cells one broker's disk is too small, and nothing but its need has the others, who have room, put records into the object store. */
export function drawDisks(
  stream: Stream,
  {
    config: { tiering, packing },
    brokerCount,
  }: { readonly config: Partial<BrokerConfig>; readonly brokerCount: number },
): (number: number) => Partial<BrokerConfig> {
  const isUneven = stream.chance(0.25) && brokerCount > 1 && packing === undefined;
  const small = 1 + stream.int(brokerCount);
  if (!isUneven || tiering === undefined) return () => ({});
  const waiting = { ...tiering, isEager: false, maxAgeMs: 3_600_000 };
  return (number) => ({
    tiering: { ...waiting, localBudgetBytes: number === small ? 0 : 1_024 ** 3 },
  });
}

/** Settings of a topic that let go of records: here only, or everywhere. */
export function drawRetention(stream: Stream): Record<string, string> {
  const configs: Record<string, string> = {};
  const local = stream.pick(["none", "none", "ms", "bytes", "both"] as const);
  const everywhere = stream.pick(["none", "none", "none", "ms", "bytes"] as const);
  const localMs = Math.floor(stream.logBetween(200, 20_000));
  const localBytes = Math.floor(stream.logBetween(1_000, 100_000));
  const retentionMs = Math.floor(stream.logBetween(20_000, 600_000));
  const retentionBytes = Math.floor(stream.logBetween(100_000, 1_000_000));
  if (local === "ms" || local === "both") configs["local.retention.ms"] = String(localMs);
  if (local === "bytes" || local === "both") configs["local.retention.bytes"] = String(localBytes);
  if (everywhere === "ms") configs["retention.ms"] = String(retentionMs);
  if (everywhere === "bytes") configs["retention.bytes"] = String(retentionBytes);
  return configs;
}

/** For compaction at every look, by runs of few keys. */
export function drawCompactionConfig(stream: Stream): Partial<BrokerConfig> {
  const compaction = {
    checkMs: stream.pick([100, 500, 2_000]),
    mapBytes: Math.floor(stream.logBetween(kibibyte, 64 * kibibyte)),
    pauseMs: Math.floor(stream.logBetween(300, 10_000)),
  };
  return { compaction };
}

/** How a topic is compacted, and of how many keys its records are; null for one that is not. */
export function drawCompaction(
  stream: Stream,
): { readonly configs: Record<string, string>; readonly keyCount: number } | null {
  const isCompacted = stream.chance(0.3);
  const policy = stream.pick(["compact", "compact", "compact,delete"]);
  const ratio = stream.pick([0.01, 0.1, 0.5]);
  const deleteRetentionMs = Math.floor(stream.logBetween(50, 20_000));
  const lagMs = stream.pick([null, null, Math.floor(stream.logBetween(1_000, 30_000))]);
  const keyCount = stream.pick([3, 20, 200]);
  const configs = {
    "cleanup.policy": policy,
    "min.cleanable.dirty.ratio": String(ratio),
    "delete.retention.ms": String(deleteRetentionMs),
    ...(lagMs === null ? {} : { "max.compaction.lag.ms": String(lagMs) }),
  };
  return isCompacted ? { configs, keyCount } : null;
}

/** Whether the log start of a topic with these settings may move by itself. */
export const isRetained = (configs: Readonly<Record<string, string | null>> | undefined): boolean =>
  configs?.["retention.ms"] !== undefined || configs?.["retention.bytes"] !== undefined;

export type ColdClients = {
  /** Clients that read again what was read long ago: from the beginning, from anywhere, from a time. */
  readonly rereaders: readonly { readonly topic: string; readonly pauseMs: number }[];
  /** Clients that delete records from the front (DeleteRecords). */
  readonly trimmers: readonly { readonly topic: string; readonly pauseMs: number }[];
};

export function drawColdClients(stream: Stream, topics: readonly string[]): ColdClients {
  return {
    rereaders: Array.from({ length: 1 + stream.int(2) }, () => ({
      topic: stream.pick(topics),
      pauseMs: stream.logBetween(20, 2_000),
    })),
    trimmers: Array.from({ length: stream.pick([0, 0, 0, 1]) }, () => ({
      topic: stream.pick(topics),
      pauseMs: stream.logBetween(500, 20_000),
    })),
  };
}
