import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, int64, since, string, withDefault } from "../schema/types.ts";

// v1: leader epoch in the answer. v2: current leader epoch (KIP-320). v3: replica id, for consumers (KIP-392). v4: flexible.
export const offsetForLeaderEpochRequest = request(
  23,
  { versions: [0, 4], flexible: 4 },
  {
    replicaId: since(3, withDefault(int32, -2)),
    topics: array({
      topic: string,
      partitions: array({
        partition: int32,
        currentLeaderEpoch: since(2, withDefault(int32, -1)),
        leaderEpoch: int32,
      }),
    }),
  },
);
export type OffsetForLeaderEpochRequest = Infer<typeof offsetForLeaderEpochRequest>;

export const offsetForLeaderEpochResponse = response(
  23,
  { versions: [0, 4], flexible: 4 },
  {
    throttleTimeMs: since(2, int32),
    topics: array({
      topic: string,
      partitions: array({
        errorCode: int16,
        partition: int32,
        leaderEpoch: since(1, withDefault(int32, -1)),
        endOffset: withDefault(int64, -1),
      }),
    }),
  },
);
export type OffsetForLeaderEpochResponse = Infer<typeof offsetForLeaderEpochResponse>;
