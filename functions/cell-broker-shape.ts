import type { Broker, Image } from "../metadata/image/image.ts";
import type { CellBroker } from "./api-types.ts";
import { isoTime } from "./iso-time.ts";
import { drainId } from "./operations.ts";
import type { PartitionsHealth } from "../metadata/health/partition-health.ts";

const previousEnds = {
  new: "new",
  clean: "clean",
  processCrash: "process_crash",
  hostCrash: "host_crash",
} as const satisfies Record<Broker["previousEnd"], CellBroker["previous_end"]>;

export function cellBrokerShape(
  image: Image,
  broker: Broker,
  { outOfSync }: Pick<PartitionsHealth, "outOfSync">,
): CellBroker {
  const { brokerId, evacuation } = broker;
  const { leaderCount = 0, replicaCount = 0 } = image.brokerLoads.get(brokerId) ?? {};
  return {
    id: brokerId,
    state: broker.state,
    host: broker.host,
    port: broker.port,
    slot: broker.slot,
    zone: broker.zone,
    registered_at: isoTime(broker.registeredAtMs),
    epoch: broker.epoch,
    previous_end: previousEnds[broker.previousEnd],
    is_controller: image.controller.brokerId === brokerId,
    is_ephemeral: broker.ephemeral,
    is_lost: broker.isLost,
    leaders_count: leaderCount,
    replicas_count: replicaCount,
    out_of_sync_replicas_count: outOfSync.get(brokerId) ?? 0,
    metadata_levels: { min: broker.minLevel, max: broker.maxLevel },
    drain:
      evacuation === null
        ? null
        : {
            operation_id: drainId({ brokerId, evacuation }),
            started_at: isoTime(evacuation.startedAtMs),
          },
  };
}

export function brokersById(image: Image): Broker[] {
  return [...image.brokers.values()].sort((a, b) => a.brokerId - b.brokerId);
}
