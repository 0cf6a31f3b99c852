import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, int64, int8, optional, string, uuid } from "../schema/types.ts";

// KIP-932.
export const readShareGroupStateRequest = request(
  84,
  { versions: [0, 0], flexible: 0 },
  {
    groupId: string,
    topics: array({
      topicId: uuid,
      partitions: array({ partition: int32, leaderEpoch: int32 }),
    }),
  },
);
export type ReadShareGroupStateRequest = Infer<typeof readShareGroupStateRequest>;

export const readShareGroupStateResponse = response(
  84,
  { versions: [0, 0], flexible: 0 },
  {
    results: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        errorCode: int16,
        errorMessage: optional(string),
        stateEpoch: int32,
        startOffset: int64,
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
export type ReadShareGroupStateResponse = Infer<typeof readShareGroupStateResponse>;
