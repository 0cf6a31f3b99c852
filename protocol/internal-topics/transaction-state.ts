import { type Infer, recordKey, recordValue } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int64,
  int8,
  nullable,
  string,
  tagged,
  withDefault,
} from "../schema/types.ts";

// The __transaction_state topic.
export const transactionLogKey = recordKey(0, { transactionalId: string });
export type TransactionLogKey = Infer<typeof transactionLogKey>;

// v1: flexible (KIP-915); previous and next producer id, for epochs that change with every transaction (KIP-890).
export const transactionLogValue = recordValue(
  0,
  { versions: [0, 1], flexible: 1 },
  {
    producerId: int64,
    previousProducerId: tagged(0, 1, withDefault(int64, -1)),
    nextProducerId: tagged(1, 1, withDefault(int64, -1)),
    producerEpoch: int16,
    nextProducerEpoch: tagged(3, 1, withDefault(int16, -1)),
    transactionTimeoutMs: int32,
    transactionStatus: int8,
    transactionPartitions: nullable(array({ topic: string, partitionIds: array(int32) })),
    transactionLastUpdateTimestampMs: int64,
    transactionStartTimestampMs: int64,
    clientTransactionVersion: tagged(2, 1, withDefault(int16, 0)),
  },
);
export type TransactionLogValue = Infer<typeof transactionLogValue>;
