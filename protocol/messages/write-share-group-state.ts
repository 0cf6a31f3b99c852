import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int64,
  int8,
  optional,
  since,
  string,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-932. v1: how many records are done with (KIP-1226).
export const writeShareGroupStateRequest = request(
  85,
  { versions: [0, 1], flexible: 0 },
  {
    groupId: string,
    topics: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        stateEpoch: int32,
        leaderEpoch: int32,
        startOffset: int64,
        deliveryCompleteCount: since(1, withDefault(int32, -1)),
        stateBatches: array({
          firstOffset: int64,
          lastOffset: int64,
          deliveryState: int8,
          deliveryCount: int16,
        }),
      }),
    }),
  },
);
export type WriteShareGroupStateRequest = Infer<typeof writeShareGroupStateRequest>;

export const writeShareGroupStateResponse = response(
  85,
  { versions: [0, 1], flexible: 0 },
  {
    results: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        errorCode: int16,
        errorMessage: optional(string),
      }),
    }),
  },
);
export type WriteShareGroupStateResponse = Infer<typeof writeShareGroupStateResponse>;
