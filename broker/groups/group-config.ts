/** Kafka's names in comments; `npm start` and the test broker pass a shorter initial delay. */
export type GroupConfig = {
  /** group.min.session.timeout.ms, group.max.session.timeout.ms */
  readonly sessionTimeoutMinimumMs: number;
  readonly sessionTimeoutMaximumMs: number;
  /** group.initial.rebalance.delay.ms */
  readonly initialRebalanceDelayMs: number;
  /** group.max.size: unbounded in Kafka. The group's record must fit in one batch, so a bound that can be met is kinder than one that cannot. */
  readonly maxSize: number;
  /** A new member whose join is parked sends no heartbeats and may be gone: Kafka gives up on it after this. */
  readonly newMemberJoinTimeoutMs: number;
  /** Protocol names and metadata of one member, all told. */
  readonly memberMetadataMaxBytes: number;
  /** Protocols of one member. Every join compares them with every other member's. */
  readonly memberMaxProtocols: number;
  /** Names and metadata of all members together: the chosen protocol's share must fit in the group's record anyway. */
  readonly groupMetadataMaxBytes: number;
  /** Groups one shard (one of 50) keeps; more are refused with POLICY_VIOLATION. */
  readonly maxGroupsPerShard: number;
  /** offsets.retention.minutes, offsets.retention.check.interval.ms */
  readonly offsetsRetentionMs: number;
  readonly offsetsRetentionCheckIntervalMs: number;
  /** offset.metadata.max.bytes */
  readonly offsetMetadataMaxBytes: number;
};

export const defaultGroupConfig: GroupConfig = {
  sessionTimeoutMinimumMs: 6_000,
  sessionTimeoutMaximumMs: 1_800_000,
  initialRebalanceDelayMs: 3_000,
  maxSize: 5_000,
  newMemberJoinTimeoutMs: 300_000,
  memberMetadataMaxBytes: 1_000_000,
  memberMaxProtocols: 32,
  groupMetadataMaxBytes: 8_000_000,
  maxGroupsPerShard: 100_000,
  offsetsRetentionMs: 7 * 24 * 3_600_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  offsetMetadataMaxBytes: 4_096,
};
