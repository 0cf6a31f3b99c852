import type { Image } from "../../metadata/image/image.ts";
import type { Partition } from "./partition.ts";

/** What a consumer says of itself: where it is, and where it reads. */
export type NearReader = { readonly rackId: string; readonly fetchOffset: number };

/**
 * The follower a consumer should read from rather than from this leader (KIP-392): in its zone, in service, with the offset asked for. The one furthest
 * ahead; null if the leader is as near, or nobody is nearer.
 */
export function closestReplica(
  { leaderState, log }: Partition,
  image: Image,
  { rackId, fetchOffset }: NearReader,
): number | null {
  if (leaderState === null || rackId === "" || fetchOffset < log.logStartOffset) return null;
  const { brokers } = image;
  if (brokers.get(leaderState.selfId)?.zone === rackId) return null;
  let closest: { id: number; end: number } | null = null;
  for (const { brokerId: id, logEndOffset: end, isDistrusted } of leaderState.followers.values()) {
    const broker = brokers.get(id);
    const isNear = broker?.state === "active" && broker.zone === rackId && !isDistrusted;
    // What it shows may lie a little behind its end; a consumer that is ahead of that waits there.
    if (!isNear || end < fetchOffset || !leaderState.assignment.isr.includes(id)) continue;
    if (closest === null || end > closest.end) closest = { id, end };
  }
  return closest?.id ?? null;
}
