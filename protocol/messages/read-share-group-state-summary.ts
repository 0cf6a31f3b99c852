import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int64,
  optional,
  since,
  string,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-932. v1: how many records are done with (KIP-1226).
export const readShareGroupStateSummaryRequest = request(
  87,
  { versions: [0, 1], flexible: 0 },
  {
    groupId: string,
    topics: array({
      topicId: uuid,
      partitions: array({ partition: int32, leaderEpoch: int32 }),
    }),
  },
);
export type ReadShareGroupStateSummaryRequest = Infer<typeof readShareGroupStateSummaryRequest>;

export const readShareGroupStateSummaryResponse = response(
  87,
  { versions: [0, 1], flexible: 0 },
  {
    results: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        errorCode: int16,
        errorMessage: optional(string),
        stateEpoch: int32,
        leaderEpoch: int32,
        startOffset: int64,
        deliveryCompleteCount: since(1, withDefault(int32, -1)),
      }),
    }),
  },
);
export type ReadShareGroupStateSummaryResponse = Infer<typeof readShareGroupStateSummaryResponse>;
