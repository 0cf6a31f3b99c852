import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, optional, string, uuid } from "../schema/types.ts";

// KIP-932.
export const deleteShareGroupStateRequest = request(
  86,
  { versions: [0, 0], flexible: 0 },
  {
    groupId: string,
    topics: array({
      topicId: uuid,
      partitions: array({ partition: int32 }),
    }),
  },
);
export type DeleteShareGroupStateRequest = Infer<typeof deleteShareGroupStateRequest>;

export const deleteShareGroupStateResponse = response(
  86,
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
export type DeleteShareGroupStateResponse = Infer<typeof deleteShareGroupStateResponse>;
