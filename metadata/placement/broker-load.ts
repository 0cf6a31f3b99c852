import type { Image } from "../image/image.ts";
import type { PlacementBroker } from "./placement.ts";

/** Registered brokers with what they carry now. Those that drain or are emptied take nothing new. */
export function brokersWithLoad(image: Image): PlacementBroker[] {
  const found: PlacementBroker[] = [];
  for (const { brokerId, zone, host, state, evacuation } of image.brokers.values()) {
    if (state === "draining" || evacuation !== null) continue;
    const { replicaCount = 0, leaderCount = 0 } = image.brokerLoads.get(brokerId) ?? {};
    found.push({ brokerId, zone, host, isActive: state === "active", replicaCount, leaderCount });
  }
  return found;
}
