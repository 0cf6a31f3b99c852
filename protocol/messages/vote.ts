import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  int64,
  optional,
  since,
  string,
  tagged,
  uint16,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-595. v1: voter keys (KIP-853). v2: votes before the vote (KIP-996).
export const voteRequest = request(
  52,
  { versions: [0, 2], flexible: 0 },
  {
    clusterId: optional(string),
    voterId: since(1, withDefault(int32, -1)),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        replicaEpoch: int32,
        replicaId: int32,
        replicaDirectoryId: since(1, uuid),
        voterDirectoryId: since(1, uuid),
        lastOffsetEpoch: int32,
        lastOffset: int64,
        preVote: since(2, bool),
      }),
    }),
  },
);
export type VoteRequest = Infer<typeof voteRequest>;

export const voteResponse = response(
  52,
  { versions: [0, 2], flexible: 0 },
  {
    errorCode: int16,
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        leaderId: int32,
        leaderEpoch: int32,
        voteGranted: bool,
      }),
    }),
    nodeEndpoints: tagged(0, 1, array({ nodeId: int32, host: string, port: uint16 })),
  },
);
export type VoteResponse = Infer<typeof voteResponse>;
