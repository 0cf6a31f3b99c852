import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, int64, optional, string, uuid } from "../schema/types.ts";

// KIP-932.
export const initializeShareGroupStateRequest = request(
  83,
  { versions: [0, 0], flexible: 0 },
  {
    groupId: string,
    topics: array({
      topicId: uuid,
      partitions: array({ partition: int32, stateEpoch: int32, startOffset: int64 }),
    }),
  },
);
export type InitializeShareGroupStateRequest = Infer<typeof initializeShareGroupStateRequest>;

export const initializeShareGroupStateResponse = response(
  83,
  { versions: [0, 0], flexible: 0 },
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
export type InitializeShareGroupStateResponse = Infer<typeof initializeShareGroupStateResponse>;
