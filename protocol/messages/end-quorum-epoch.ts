import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  int16,
  int32,
  optional,
  since,
  string,
  tagged,
  uint16,
  uuid,
} from "../schema/types.ts";

// KIP-595. v1: flexible, candidates with directory ids in place of successors (KIP-853).
export const endQuorumEpochRequest = request(
  54,
  { versions: [0, 1], flexible: 1 },
  {
    clusterId: optional(string),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: int32,
        preferredSuccessors: between(0, 0, array(int32)),
        preferredCandidates: since(1, array({ candidateId: int32, candidateDirectoryId: uuid })),
      }),
    }),
    leaderEndpoints: since(1, array({ name: string, host: string, port: uint16 })),
  },
);
export type EndQuorumEpochRequest = Infer<typeof endQuorumEpochRequest>;

export const endQuorumEpochResponse = response(
  54,
  { versions: [0, 1], flexible: 1 },
  {
    errorCode: int16,
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        leaderId: int32,
        leaderEpoch: int32,
      }),
    }),
    nodeEndpoints: tagged(0, 1, array({ nodeId: int32, host: string, port: uint16 })),
  },
);
export type EndQuorumEpochResponse = Infer<typeof endQuorumEpochResponse>;
