import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, int64, string } from "../schema/types.ts";

// KIP-664.
export const describeTransactionsRequest = request(
  65,
  { versions: [0, 0], flexible: 0 },
  { transactionalIds: array(string) },
);
export type DescribeTransactionsRequest = Infer<typeof describeTransactionsRequest>;

export const describeTransactionsResponse = response(
  65,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    transactionStates: array({
      errorCode: int16,
      transactionalId: string,
      transactionState: string,
      transactionTimeoutMs: int32,
      transactionStartTimeMs: int64,
      producerId: int64,
      producerEpoch: int16,
      topics: array({ topic: string, partitions: array(int32) }),
    }),
  },
);
export type DescribeTransactionsResponse = Infer<typeof describeTransactionsResponse>;
