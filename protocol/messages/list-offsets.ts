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
