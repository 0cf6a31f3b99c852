import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, optional, string, uuid } from "../schema/types.ts";

// KIP-932.
export const deleteShareGroupOffsetsRequest = request(
  92,
  { versions: [0, 0], flexible: 0 },
  {
    groupId: string,
    topics: array({ topicName: string }),
  },
);
export type DeleteShareGroupOffsetsRequest = Infer<typeof deleteShareGroupOffsetsRequest>;

export const deleteShareGroupOffsetsResponse = response(
  92,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: optional(string),
    responses: array({
      topicName: string,
      topicId: uuid,
      errorCode: int16,
      errorMessage: optional(string),
    }),
  },
);
export type DeleteShareGroupOffsetsResponse = Infer<typeof deleteShareGroupOffsetsResponse>;
