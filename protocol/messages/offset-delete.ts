import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, string } from "../schema/types.ts";

// KIP-496. Never flexible.
export const offsetDeleteRequest = request(
  47,
  { versions: [0, 0], flexible: null },
  {
    groupId: string,
    topics: array({
      name: string,
      partitions: array({ partitionIndex: int32 }),
    }),
  },
);
export type OffsetDeleteRequest = Infer<typeof offsetDeleteRequest>;

export const offsetDeleteResponse = response(
  47,
  { versions: [0, 0], flexible: null },
  {
    errorCode: int16,
    throttleTimeMs: int32,
    topics: array({
      name: string,
      partitions: array({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
);
export type OffsetDeleteResponse = Infer<typeof offsetDeleteResponse>;
