import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  bool,
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

// v2: null asks for all topics (KIP-88). v5: leader epoch (KIP-320). v6: flexible. v7: stable offsets only (KIP-447). v8: many groups at once (KIP-709).
// v9: member epochs (KIP-848). v10: topic ids (KIP-848).
export const offsetFetchRequest = request(
  9,
  { versions: [0, 10], flexible: 6 },
  {
    groupId: between(0, 7, string),
    topics: between(0, 7, nullable(array({ name: string, partitionIndexes: array(int32) }), 2)),
    groups: since(
      8,
      array({
        groupId: string,
        memberId: since(9, optional(string)),
        memberEpoch: since(9, withDefault(int32, -1)),
        topics: nullable(
          array({
            name: between(8, 9, string),
            topicId: since(10, uuid),
            partitionIndexes: array(int32),
          }),
        ),
      }),
    ),
    requireStable: since(7, withDefault(bool, false)),
  },
);
export type OffsetFetchRequest = Infer<typeof offsetFetchRequest>;

export const offsetFetchResponse = response(
  9,
  { versions: [0, 10], flexible: 6 },
  {
    throttleTimeMs: since(3, int32),
    topics: between(
      0,
      7,
      array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: since(5, withDefault(int32, -1)),
          metadata: nullable(string),
          errorCode: int16,
        }),
      }),
    ),
    errorCode: between(2, 7, withDefault(int16, 0)),
    groups: since(
      8,
      array({
        groupId: string,
        topics: array({
          name: between(8, 9, string),
          topicId: since(10, uuid),
          partitions: array({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: withDefault(int32, -1),
            metadata: nullable(string),
            errorCode: int16,
          }),
        }),
        errorCode: withDefault(int16, 0),
      }),
    ),
  },
);
export type OffsetFetchResponse = Infer<typeof offsetFetchResponse>;
