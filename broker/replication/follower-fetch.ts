import type { ErrorName } from "../../protocol/errors.ts";
import { beforeGap } from "../log/gaps.ts";
import type { FollowerFetch } from "./leader-state.ts";
import { checkFollower, followerDiverges, followerFetched } from "./leader-state.ts";
import type { Partition } from "./partition.ts";
import { advance } from "./partition.ts";

/** The broker that fetches as a follower, in one of its lives. */
export type Replica = Pick<FollowerFetch, "brokerId" | "brokerEpoch">;

/** Why the follower gets nothing; NONE if it is one. */
export function followerError(partition: Partition, replica: Replica): ErrorName {
  const { leaderState } = partition;
  if (leaderState === null) return "NOT_LEADER_OR_FOLLOWER";
  switch (checkFollower(leaderState, replica)) {
    case "counted":
      return "NONE";
    case "newerBroker":
      // This broker has yet to read of its registration; it asks again soon.
      return "UNKNOWN_LEADER_EPOCH";
    case "stranger":
    case "staleBroker":
    case "distrusted":
      return "NOT_LEADER_OR_FOLLOWER";
  }
}

/** Whether this broker has to catch up with the metadata log before it can judge the follower. */
export const isNewerThanKnown = ({ leaderState }: Partition, replica: Replica): boolean =>
  leaderState !== null && checkFollower(leaderState, replica) === "newerBroker";

export type AskedOf = { readonly fetchOffset: number; readonly lastFetchedEpoch: number };

/** Where the log of who asks leaves this one: it fetched an epoch that ended earlier here, or was never here (KIP-595); null where it continues ours. */
export function divergence(
  { log }: Partition,
  { lastFetchedEpoch, fetchOffset }: AskedOf,
): { epoch: number; endOffset: number } | null {
  if (lastFetchedEpoch < 0) return null;
  const end = log.epochEndOffset(lastFetchedEpoch);
  if (end.epoch < 0) return null;
  // Behind a gap is the same place as before it, for a log that has nothing behind.
  const isBehind = end.endOffset < beforeGap(log.gaps, fetchOffset);
  return end.epoch < lastFetchedEpoch || isBehind ? end : null;
}

/** L3, once for each fetch that arrives: what the follower has written by now. True if the in-sync set may have to change. */
export function countFetch(
  partition: Partition,
  fetch: FollowerFetch & AskedOf,
  nowMs: number,
): boolean {
  const { leaderState, log } = partition;
  if (leaderState === null || followerError(partition, fetch) !== "NONE") return false;
  if (divergence(partition, fetch) !== null) {
    followerDiverges(leaderState, fetch.brokerId);
    return false;
  }
  const { fetchOffset } = fetch;
  if (fetchOffset < log.logStartOffset || fetchOffset > log.logEndOffset) return false;
  const verdict = followerFetched(leaderState, fetch, { leaderEnd: log.logEndOffset, nowMs });
  if (verdict === "distrusted") return true;
  advance(partition);
  return !leaderState.assignment.isr.includes(fetch.brokerId);
}
