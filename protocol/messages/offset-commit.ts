import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  int16,
  int32,
  int64,
  nullable,
  optional,
  since,
  string,
  uuid,
  withDefault,
} from "../schema/types.ts";

// v0 knew no members. v1: member and generation. v2: retention time instead of a timestamp; v5 dropped it (KIP-211). v6: leader epoch (KIP-320).
// v7: static membership (KIP-345). v8: flexible. v9: members of the new group protocol, by epoch (KIP-848). v10: topic ids (KIP-848).
export const offsetCommitRequest = request(
  8,
  { versions: [0, 10], flexible: 8 },
  {
    groupId: string,
    generationIdOrMemberEpoch: since(1, withDefault(int32, -1)),
    memberId: since(1, string),
    groupInstanceId: since(7, optional(string)),
    retentionTimeMs: between(2, 4, withDefault(int64, -1)),
    topics: array({
      name: between(0, 9, string),
      topicId: since(10, uuid),
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        commitTimestamp: between(1, 1, withDefault(int64, -1)),
        committedLeaderEpoch: since(6, withDefault(int32, -1)),
        committedMetadata: nullable(string),
      }),
    }),
  },
);
export type OffsetCommitRequest = Infer<typeof offsetCommitRequest>;

export const offsetCommitResponse = response(
  8,
  { versions: [0, 10], flexible: 8 },
  {
    throttleTimeMs: since(3, int32),
    topics: array({
      name: between(0, 9, string),
      topicId: since(10, uuid),
      partitions: array({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
);
export type OffsetCommitResponse = Infer<typeof offsetCommitResponse>;
