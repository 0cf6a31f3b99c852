import type { MetadataReplica } from "../../metadata/log/replica.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Cleaner } from "../compaction/remote-cleaner.ts";
import { defaultCellConfig } from "../cell/cell-config.ts";
import type { BrokerConfig } from "../config.ts";
import type { BrokerServices } from "../services.ts";
import { defaultCompactionConfig } from "./compaction-config.ts";
import { startLearning } from "./learn-tiered-end.ts";
import { startPeriodic } from "../periodic.ts";
import { startPackSweep } from "./pack-sweep.ts";
import { startCollecting } from "./start-collecting.ts";
import { startCompaction } from "./start-compaction.ts";
import { startPacking } from "./start-packing.ts";
import { startSealing } from "./start-sealing.ts";
import { startTiering } from "./start-tiering.ts";
import { defaultTieringConfig } from "./tiering-config.ts";
import { startTopicSweep } from "./topic-sweep.ts";

const sweepMs = 60_000;

/** All that goes on in the object store by itself. The result stops it. */
export function startCold(
  ports: {
    readonly metadata: MetadataReplica;
    readonly objects: ObjectStore;
    readonly cleaner: Cleaner;
  },
  services: BrokerServices,
  self: { readonly brokerId: number; readonly brokerEpoch: number; readonly config: BrokerConfig },
): () => Promise<void> {
  const { metadata, objects, cleaner } = ports;
  const { topics, tier, tierWriter, forgetPacks, clock, log } = services;
  const { brokerId, brokerEpoch, config } = self;
  const { cellName: cell, packing, isEphemeral } = config;
  const tiering = { ...defaultTieringConfig, ...config.tiering };
  const { segmentBytes, graceMs } = tiering;
  const isController = () => metadata.image.controller.brokerId === brokerId;
  const partitionOf = ({ topicId, index }: { topicId: string; index: number }) =>
    topics.local(topicId)?.partitions[index];
  const compaction = { ...defaultCompactionConfig, ...config.compaction, segmentBytes, graceMs };
  const stops = [
    startTiering(services, tiering),
    startCollecting(services, tiering),
    startLearning(services, tiering.checkMs),
    startCompaction({ ...services, cleaner }, compaction),
    startSealing({
      self,
      metadata,
      partitionOf,
      tierWriter,
      segmentBytes,
      isEphemeral,
      clock,
      log,
    }),
    startPackSweep({
      cell,
      tier,
      metadata,
      partitionOf,
      isController,
      clock,
      log,
      intervalMs: sweepMs,
    }),
    startTopicSweep({ cell, metadata, objects, isController, clock, log, checkMs: sweepMs }),
    startPeriodic({
      clock,
      intervalMs: sweepMs,
      round: () => Promise.resolve(forgetPacks()),
      failed: (error) => log.error("what is known of packs is kept", { error: String(error) }),
    }),
  ];
  if (packing !== null) {
    const broker = { broker: brokerId, brokerEpoch };
    // Nobody is given up within a session of what it has read.
    const { sessionMs } = { ...defaultCellConfig, ...config.cell };
    const isCurrent = () => clock.monotonicMs() - metadata.lastReadMs <= sessionMs;
    const of = { cell, broker, topics, isCurrent, objects, clock, log };
    stops.push(startPacking({ ...of, config: packing }));
  }
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}
