import type { Group } from "./group.ts";
import type { GroupConfig } from "./group-config.ts";
import type { KeptOffset } from "./kept.ts";
import { consumerProtocolType, isSubscribedTo } from "./subscription.ts";

/**
 * From when the retention of this offset counts, or null while it is kept whatever its age (KIP-211): from the group becoming empty; of a group that
 * was never joined, from the commit; of a topic that a stable consumer group no longer subscribes to, from the commit.
 */
function retainedFromMs(group: Group, topic: string, offset: KeptOffset): number | null {
  if (group.protocolType === null) return offset.commitTimestamp;
  if (group.state === "Empty")
    return group.stateChangedMs < 0 ? offset.commitTimestamp : group.stateChangedMs;
  const isIdleTopic =
    group.state === "Stable" &&
    group.protocolType === consumerProtocolType &&
    !isSubscribedTo(group, topic);
  return isIdleTopic ? offset.commitTimestamp : null;
}

export function isExpired(
  group: Group,
  topic: string,
  offset: KeptOffset,
  context: { readonly wallMs: number; readonly config: GroupConfig },
): boolean {
  const fromMs = retainedFromMs(group, topic, offset);
  if (fromMs === null) return false;
  // OffsetCommit v2-4 could say how long, once for each commit.
  if (offset.expireTimestamp !== -1) return context.wallMs >= offset.expireTimestamp;
  // An offset committed while the group was empty (an admin's) is as young as its commit.
  const youngestMs = Math.max(fromMs, offset.commitTimestamp);
  return context.wallMs - youngestMs >= context.config.offsetsRetentionMs;
}
