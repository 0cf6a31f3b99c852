/** A group as it is kept in the log: Kafka's GroupMetadataValue. */
export type KeptGroup = {
  readonly protocolType: string;
  readonly generation: number;
  readonly protocol: string | null;
  readonly leader: string | null;
  readonly currentStateTimestamp: number;
  readonly members: readonly KeptMember[];
};

export type KeptMember = {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeout: number;
  readonly sessionTimeout: number;
  readonly subscription: Uint8Array;
  readonly assignment: Uint8Array;
};

/** A committed offset as it is kept in the log: Kafka's OffsetCommitValue. */
export type KeptOffset = {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestamp: number;
  /** -1: expires with its group. Set by OffsetCommit v2-4's retention time. */
  readonly expireTimestamp: number;
  /** The zero uuid if unknown: records of versions below 4. */
  readonly topicId: string;
};

/** One record of `__consumer_offsets`, decoded; a null value deletes. */
export type GroupEntry =
  | { readonly type: "group"; readonly groupKey: string; readonly value: KeptGroup | null }
  | {
      readonly type: "offset";
      readonly groupKey: string;
      readonly topic: string;
      readonly partition: number;
      readonly value: KeptOffset | null;
    };

/** A bound, not a measure, for entries without members: UTF-8 takes at most three bytes per UTF-16 unit. */
export function tombstoneBytes(entry: GroupEntry): number {
  return 128 + 3 * (entry.groupKey.length + (entry.type === "offset" ? entry.topic.length : 0));
}
