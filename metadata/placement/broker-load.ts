import type { Image } from "../image/image.ts";
import type { PlacementBroker } from "./placement.ts";

/** Registered brokers with what they carry now. Draining ones take nothing new. */
export function brokersWithLoad(image: Image): PlacementBroker[] {
  const replicas = new Map<number, number>();
  const leaders = new Map<number, number>();
  for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      for (const brokerId of partition.replicas) increment(replicas, brokerId);
      if (partition.leader >= 0) increment(leaders, partition.leader);
    }
  }
  return [...image.brokers.values()]
    .filter((broker) => broker.state !== "draining")
    .map((broker) => ({
      brokerId: broker.brokerId,
      zone: broker.zone,
      host: broker.host,
      isActive: broker.state === "active",
      replicaCount: replicas.get(broker.brokerId) ?? 0,
      leaderCount: leaders.get(broker.brokerId) ?? 0,
    }));
}

function increment(counts: Map<number, number>, brokerId: number): void {
  counts.set(brokerId, (counts.get(brokerId) ?? 0) + 1);
}
