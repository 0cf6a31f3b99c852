import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  int16,
  int32,
  int64,
  int8,
  since,
  string,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-497. v1: recovery after an unclean election (KIP-704). v2: topic ids (KIP-841). v3: in-sync replicas with their broker epochs, so that a
// restarted follower cannot slip in (KIP-903).
export const alterPartitionRequest = request(
  56,
  { versions: [0, 3], flexible: 0 },
  {
    brokerId: int32,
    brokerEpoch: withDefault(int64, -1),
    topics: array({
      topicName: between(0, 1, string),
      topicId: since(2, uuid),
      partitions: array({
        partitionIndex: int32,
        leaderEpoch: int32,
        newIsr: between(0, 2, array(int32)),
        newIsrWithEpochs: since(3, array({ brokerId: int32, brokerEpoch: withDefault(int64, -1) })),
        leaderRecoveryState: since(1, withDefault(int8, 0)),
        partitionEpoch: int32,
      }),
    }),
  },
);
export type AlterPartitionRequest = Infer<typeof alterPartitionRequest>;

export const alterPartitionResponse = response(
  56,
  { versions: [0, 3], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    topics: array({
      topicName: between(0, 1, string),
      topicId: since(2, uuid),
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        leaderId: int32,
        leaderEpoch: int32,
        isr: array(int32),
        leaderRecoveryState: since(1, withDefault(int8, 0)),
        partitionEpoch: int32,
      }),
    }),
  },
);
export type AlterPartitionResponse = Infer<typeof alterPartitionResponse>;
