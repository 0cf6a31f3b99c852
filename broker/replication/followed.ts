import type { Durability, LogBefore } from "../log/partition-log.ts";
import type { FollowerLog, Recovery } from "./follower-step.ts";

/** What a fetcher does to a log. */
export type FollowedLog = FollowerLog & {
  readonly failure: string | null;
  /** Not while it is being cut, begun anew or taken on behind a gap, perhaps on behalf of an earlier leader: what came would be refused. */
  readonly isFollowable: boolean;
  /** Appends the leader's batches as they are, if they continue the log; copies them. */
  follow(
    batches: Uint8Array,
    options: {
      readonly leaderEpoch: number;
      readonly durability: Durability;
      readonly nowMs: number;
    },
  ): { readonly kind: "appended" } | { readonly kind: "refused"; readonly reason: string };
  truncateTo(offset: number, options: { readonly isRecovery: boolean }): Promise<boolean>;
  restartAt(offset: number, before?: LogBefore): Promise<boolean>;
  skipTo(offset: number): Promise<boolean>;
  advanceHighWatermark(offset: number): void;
  moveLogStart(offset: number): Promise<boolean>;
};

/** A partition followed in one leader epoch. */
export type Followed = {
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly log: FollowedLog;
  readonly durability: () => Durability;
  readonly recoveries: () => readonly Recovery[];
  /** The high watermark or the log start has moved. */
  readonly onWatermarks: () => void;
  /** Everything below is to go to the object store for this disk's sake; -1: nothing. */
  readonly pressedEnd: () => number;
  /** What the leader knows of the object store. */
  readonly onColdEnds: (ends: { readonly tieredEnd: number; readonly packedEnd: number }) => void;
  /** What the log begins with that begins where the object store ends; null if that has nothing. Rejects while it does not answer. */
  readonly beginning: () => Promise<{ offset: number; before: LogBefore } | null>;
};
