import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  int16,
  int32,
  int64,
  int8,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

// v0 asked for several offsets before a time. v1: one offset by time (KIP-79). v2: isolation level (KIP-98). v4: leader epoch (KIP-320). v6: flexible.
// v7: timestamp -3, the record with the largest timestamp (KIP-734). v8: -4, first local offset (KIP-405). v9: -5, last tiered offset (KIP-1005).
// v10: time limit for reads of tiered storage (KIP-1075). v11: -6, the earliest offset still to be tiered (KIP-1023).
export const listOffsetsRequest = request(
  2,
  { versions: [0, 11], flexible: 6 },
  {
    replicaId: int32,
    isolationLevel: since(2, int8),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        currentLeaderEpoch: since(4, withDefault(int32, -1)),
        timestamp: int64,
        maxNumOffsets: between(0, 0, withDefault(int32, 1)),
      }),
    }),
    timeoutMs: since(10, int32),
  },
);
export type ListOffsetsRequest = Infer<typeof listOffsetsRequest>;

export const listOffsetsResponse = response(
  2,
  { versions: [0, 11], flexible: 6 },
  {
    throttleTimeMs: since(2, int32),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        oldStyleOffsets: between(0, 0, array(int64)),
        timestamp: since(1, withDefault(int64, -1)),
        offset: since(1, withDefault(int64, -1)),
        leaderEpoch: since(4, withDefault(int32, -1)),
      }),
    }),
  },
);
export type ListOffsetsResponse = Infer<typeof listOffsetsResponse>;
