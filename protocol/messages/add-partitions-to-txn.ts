import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  bool,
  int16,
  int32,
  int64,
  since,
  string,
  struct,
  withDefault,
} from "../schema/types.ts";

const addPartitionsToTxnTopic = struct({ name: string, partitions: array(int32) });

// KIP-98. v3: flexible. v4: many transactions at once, from brokers, to verify or add (KIP-890); v3 and below are the clients'.
export const addPartitionsToTxnRequest = request(
  24,
  { versions: [0, 5], flexible: 3 },
  {
    transactions: since(
      4,
      array({
        transactionalId: string,
        producerId: int64,
        producerEpoch: int16,
        verifyOnly: withDefault(bool, false),
        topics: array(addPartitionsToTxnTopic),
      }),
    ),
    v3AndBelowTransactionalId: between(0, 3, string),
    v3AndBelowProducerId: between(0, 3, int64),
    v3AndBelowProducerEpoch: between(0, 3, int16),
    v3AndBelowTopics: between(0, 3, array(addPartitionsToTxnTopic)),
  },
);
export type AddPartitionsToTxnRequest = Infer<typeof addPartitionsToTxnRequest>;

const addPartitionsToTxnPartitionResult = struct({
  partitionIndex: int32,
  partitionErrorCode: int16,
});

const addPartitionsToTxnTopicResult = struct({
  name: string,
  resultsByPartition: array(addPartitionsToTxnPartitionResult),
});

export const addPartitionsToTxnResponse = response(
  24,
  { versions: [0, 5], flexible: 3 },
  {
    throttleTimeMs: int32,
    errorCode: since(4, int16),
    resultsByTransaction: since(
      4,
      array({
        transactionalId: string,
        topicResults: array(addPartitionsToTxnTopicResult),
      }),
    ),
    resultsByTopicV3AndBelow: between(0, 3, array(addPartitionsToTxnTopicResult)),
  },
);
export type AddPartitionsToTxnResponse = Infer<typeof addPartitionsToTxnResponse>;
