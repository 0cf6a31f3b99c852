import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  optional,
  since,
  string,
  tagged,
  uint16,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-595. v1: flexible, voter keys and leader endpoints (KIP-853).
export const beginQuorumEpochRequest = request(
  53,
  { versions: [0, 1], flexible: 1 },
  {
    clusterId: optional(string),
    voterId: since(1, withDefault(int32, -1)),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        voterDirectoryId: since(1, uuid),
        leaderId: int32,
        leaderEpoch: int32,
      }),
    }),
    leaderEndpoints: since(1, array({ name: string, host: string, port: uint16 })),
  },
);
export type BeginQuorumEpochRequest = Infer<typeof beginQuorumEpochRequest>;

export const beginQuorumEpochResponse = response(
  53,
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
export type BeginQuorumEpochResponse = Infer<typeof beginQuorumEpochResponse>;
