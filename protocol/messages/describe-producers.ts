import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, int64, optional, string, withDefault } from "../schema/types.ts";

// KIP-664.
export const describeProducersRequest = request(
  61,
  { versions: [0, 0], flexible: 0 },
  {
    topics: array({ name: string, partitionIndexes: array(int32) }),
  },
);
export type DescribeProducersRequest = Infer<typeof describeProducersRequest>;

export const describeProducersResponse = response(
  61,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: optional(string),
        activeProducers: array({
          producerId: int64,
          producerEpoch: int32,
          lastSequence: withDefault(int32, -1),
          lastTimestamp: withDefault(int64, -1),
          coordinatorEpoch: int32,
          currentTxnStartOffset: withDefault(int64, -1),
        }),
      }),
    }),
  },
);
export type DescribeProducersResponse = Infer<typeof describeProducersResponse>;
