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

// KIP-98. v2: leader epoch (KIP-320). v3: flexible, member and generation (KIP-447). v4: abortable errors. v5: adds the group's partition to the
// transaction itself (KIP-890). v6: topic ids (KIP-1319).
export const txnOffsetCommitRequest = request(
  28,
  { versions: [0, 6], flexible: 3 },
  {
    transactionalId: string,
    groupId: string,
    producerId: int64,
    producerEpoch: int16,
    generationIdOrMemberEpoch: since(3, withDefault(int32, -1)),
    memberId: since(3, withDefault(string, "")),
    groupInstanceId: since(3, optional(string)),
    topics: array({
      name: between(0, 5, string),
      topicId: since(6, uuid),
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: since(2, withDefault(int32, -1)),
        committedMetadata: nullable(string),
      }),
    }),
  },
);
export type TxnOffsetCommitRequest = Infer<typeof txnOffsetCommitRequest>;

export const txnOffsetCommitResponse = response(
  28,
  { versions: [0, 6], flexible: 3 },
  {
    throttleTimeMs: int32,
    topics: array({
      name: between(0, 5, string),
      topicId: since(6, uuid),
      partitions: array({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
);
export type TxnOffsetCommitResponse = Infer<typeof txnOffsetCommitResponse>;
