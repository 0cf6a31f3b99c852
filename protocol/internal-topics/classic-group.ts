import { type Infer, recordKey, recordValue } from "../schema/message.ts";
import {
  array,
  between,
  bytes,
  int32,
  int64,
  nullable,
  optional,
  since,
  string,
  struct,
  tagged,
  uuid,
  withDefault,
} from "../schema/types.ts";

// The __consumer_offsets topic holds all kinds of groups; the record type in front of the key tells them apart. Type 0 is Kafka 0.8's offset commit.
export const legacyOffsetCommitKey = recordKey(0, {
  group: string,
  topic: string,
  partition: int32,
});
export type LegacyOffsetCommitKey = Infer<typeof legacyOffsetCommitKey>;

export const legacyOffsetCommitValue = recordValue(
  0,
  { versions: [0, 0], flexible: null },
  { offset: int64, metadata: string, commitTimestamp: int64 },
);
export type LegacyOffsetCommitValue = Infer<typeof legacyOffsetCommitValue>;

export const offsetCommitKey = recordKey(1, { group: string, topic: string, partition: int32 });
export type OffsetCommitKey = Infer<typeof offsetCommitKey>;

// v1: expiry, dropped again in v2 (KIP-211). v3: leader epoch (KIP-320). v4: flexible (KIP-915), topic id (KIP-848).
export const offsetCommitValue = recordValue(
  1,
  { versions: [0, 4], flexible: 4 },
  {
    offset: int64,
    leaderEpoch: since(3, withDefault(int32, -1)),
    metadata: string,
    commitTimestamp: int64,
    expireTimestamp: between(1, 1, withDefault(int64, -1)),
    topicId: tagged(0, 4, uuid),
  },
);
export type OffsetCommitValue = Infer<typeof offsetCommitValue>;

export const groupMetadataKey = recordKey(2, { group: string });
export type GroupMetadataKey = Infer<typeof groupMetadataKey>;

const memberMetadata = struct({
  memberId: string,
  groupInstanceId: since(3, optional(string)),
  clientId: string,
  clientHost: string,
  rebalanceTimeout: since(1, withDefault(int32, -1)),
  sessionTimeout: int32,
  subscription: bytes,
  assignment: bytes,
});

// A value of null (a tombstone) deletes the group. v1: rebalance timeout. v2: when the state changed. v3: static membership (KIP-345).
// v4: flexible (KIP-915).
export const groupMetadataValue = recordValue(
  2,
  { versions: [0, 4], flexible: 4 },
  {
    protocolType: string,
    generation: int32,
    protocol: nullable(string),
    leader: nullable(string),
    currentStateTimestamp: since(2, withDefault(int64, -1)),
    members: array(memberMetadata),
  },
);
export type GroupMetadataValue = Infer<typeof groupMetadataValue>;
