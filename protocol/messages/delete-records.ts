import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, int64, string } from "../schema/types.ts";

// KIP-107. v2: flexible.
export const deleteRecordsRequest = request(
  21,
  { versions: [0, 2], flexible: 2 },
  {
    topics: array({
      name: string,
      partitions: array({ partitionIndex: int32, offset: int64 }),
    }),
    timeoutMs: int32,
  },
);
export type DeleteRecordsRequest = Infer<typeof deleteRecordsRequest>;

export const deleteRecordsResponse = response(
  21,
  { versions: [0, 2], flexible: 2 },
  {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      partitions: array({ partitionIndex: int32, lowWatermark: int64, errorCode: int16 }),
    }),
  },
);
export type DeleteRecordsResponse = Infer<typeof deleteRecordsResponse>;
