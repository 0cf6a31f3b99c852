import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int64,
  nullable,
  since,
  string,
  struct,
  uint16,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-595. v1: when voters and observers last fetched (KIP-836). v2: directory ids, nodes, messages (KIP-853).
export const describeQuorumRequest = request(
  55,
  { versions: [0, 2], flexible: 0 },
  {
    topics: array({
      topicName: string,
      partitions: array({ partitionIndex: int32 }),
    }),
  },
);
export type DescribeQuorumRequest = Infer<typeof describeQuorumRequest>;

const replicaState = struct({
  replicaId: int32,
  replicaDirectoryId: since(2, uuid),
  logEndOffset: int64,
  lastFetchTimestamp: since(1, withDefault(int64, -1)),
  lastCaughtUpTimestamp: since(1, withDefault(int64, -1)),
});

export const describeQuorumResponse = response(
  55,
  { versions: [0, 2], flexible: 0 },
  {
    errorCode: int16,
    errorMessage: since(2, nullable(string)),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: since(2, nullable(string)),
        leaderId: int32,
        leaderEpoch: int32,
        highWatermark: int64,
        currentVoters: array(replicaState),
        observers: array(replicaState),
      }),
    }),
    nodes: since(
      2,
      array({
        nodeId: int32,
        listeners: array({ name: string, host: string, port: uint16 }),
      }),
    ),
  },
);
export type DescribeQuorumResponse = Infer<typeof describeQuorumResponse>;
