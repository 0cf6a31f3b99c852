import type { BrokerConfig } from "../../../broker/config.ts";
import { smallBrokerConfig } from "../cell/sim-cell.ts";
import type { FaultName, FaultRates } from "../world/fault-table.ts";
import { faultNames } from "../world/fault-table.ts";
import { drawFaultRates } from "../world/faults.ts";
import type { Stream } from "../world/random-streams.ts";
import { createStreams } from "../world/random-streams.ts";
import {
  drawColdClients,
  drawCompaction,
  drawCompactionConfig,
  drawDisks,
  drawPackingConfig,
  drawRetention,
  drawTieringConfig,
} from "./tiering-plan.ts";
import type { TopicLimits } from "./topic-limits.ts";
import type { WorkloadPlan } from "./workload.ts";
import { drawWorkload } from "./workload.ts";

/** Everything that a seed decides before anything happens. */
export type SwarmPlan = {
  readonly brokerCount: number;
  readonly config: Partial<BrokerConfig>;
  readonly configOf: (number: number) => Partial<BrokerConfig>;
  readonly faults: FaultRates;
  readonly workload: WorkloadPlan;
  /** Under load and faults: whichever comes first. */
  readonly durationMs: number;
  readonly maxEvents: number;
};

/**
 * A bit that has turned over may lie unnoticed for as long as nobody reads it, on a replica that counts as whole: nothing rewrites it, and whoever is alone
 * in sync with it waits for an operator. Scenarios have it, with what they expect.
 */
const onlyInScenarios: readonly FaultName[] = ["disk.bitFlip"];

const brokerCounts = [1, 1, 3, 3, 3, 3, 4, 5];

const kibibyte = 1024;

export type SwarmLimits = {
  /** Instead of what the seed draws. */
  readonly brokerCount?: number;
  readonly topics?: TopicLimits;
  /** Records go into packs and into no segment, whatever the seed draws. */
  readonly hasPacksAlone?: boolean;
};

/** A cell, its load and what befalls it, drawn from a seed. */
export function drawSwarm(seed: number, limits: SwarmLimits = {}): SwarmPlan {
  const streams = createStreams(seed);
  const stream = streams("swarm");
  const brokerCount = limits.brokerCount ?? streams("swarm cell").pick(brokerCounts);
  const faults = drawFaultRates(
    streams("swarm faults"),
    faultNames.filter((name) => !onlyInScenarios.includes(name)),
  );
  const config = {
    ...drawConfig(stream),
    ...drawCellConfig(streams("swarm cell times")),
    ...drawTieringConfig(streams("swarm tiering")),
    ...drawPackingConfig(streams("swarm packing"), limits),
    ...drawCompactionConfig(streams("swarm compaction")),
  };
  return {
    brokerCount,
    config,
    configOf: drawDisks(streams("swarm disks"), { config, brokerCount }),
    faults,
    workload: withCompaction(
      streams("swarm compacted topics"),
      withCold(
        streams("swarm cold"),
        drawWorkload(stream, brokerCount, limits.topics ?? topicsUnder(faults, brokerCount)),
      ),
    ),
    durationMs: stream.logBetween(20_000, 1_200_000),
    maxEvents: Math.floor(stream.logBetween(4_000, 60_000)),
  };
}

/** The same load, of topics that let go of records, with clients that read old ones. */
function withCold(stream: Stream, plan: WorkloadPlan): WorkloadPlan {
  const topics = plan.topics.map((topic) => ({
    ...topic,
    configs: { ...topic.configs, ...drawRetention(stream) },
  }));
  const names = topics.map(({ name }) => name);
  return { ...plan, topics, ...drawColdClients(stream, names) };
}

/** The same load, some of it of compacted topics. */
function withCompaction(stream: Stream, plan: WorkloadPlan): WorkloadPlan {
  const topics = plan.topics.map((topic) => {
    const compaction = drawCompaction(stream);
    if (compaction === null) return topic;
    const { configs, keyCount } = compaction;
    return { ...topic, configs: { ...topic.configs, ...configs }, keyCount };
  });
  return { ...plan, topics };
}

/** Disks can be taken only from topics that promise to bear it. */
function topicsUnder(faults: FaultRates, brokerCount: number): TopicLimits {
  const isTaken = (faults["host.wipe"] ?? 0) > 0 || (faults["directory.rollBack"] ?? 0) > 0;
  return isTaken && brokerCount >= 3 ? { replicationFactor: 3, minIsr: 2 } : {};
}

function drawConfig(stream: Stream): Partial<BrokerConfig> {
  const chunkBytes = stream.pick([32, 64, 128]) * kibibyte;
  return {
    log: {
      ...smallBrokerConfig.log,
      chunkBytes,
      ringBytes: chunkBytes * stream.pick([4, 8, 16]),
      fileBytes: chunkBytes * stream.pick([2, 4, 16]),
      poolFiles: stream.pick([0, 1, 2]),
    },
    groups: { initialRebalanceDelayMs: stream.pick([0, 3_000]) },
  };
}

/** Short where the default is long, so that what is lost is made anew within the run. */
function drawCellConfig(stream: Stream): Partial<BrokerConfig> {
  return {
    isEphemeral: stream.chance(0.5),
    cell: {
      replacementDelayMs: stream.pick([5_000, 20_000, 60_000]),
      lostDelayMs: stream.pick([30_000, 120_000]),
      drainTimeoutMs: stream.pick([20_000, 100_000]),
    },
  };
}
