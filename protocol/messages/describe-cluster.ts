import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  int8,
  optional,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

// KIP-700. v1: brokers or controllers (KIP-919). v2: fenced brokers (KIP-1073).
export const describeClusterRequest = request(
  60,
  { versions: [0, 2], flexible: 0 },
  {
    includeClusterAuthorizedOperations: bool,
    endpointType: since(1, withDefault(int8, 1)),
    includeFencedBrokers: since(2, bool),
  },
);
export type DescribeClusterRequest = Infer<typeof describeClusterRequest>;

export const describeClusterResponse = response(
  60,
  { versions: [0, 2], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: optional(string),
    endpointType: since(1, withDefault(int8, 1)),
    clusterId: string,
    controllerId: withDefault(int32, -1),
    brokers: array({
      brokerId: int32,
      host: string,
      port: int32,
      rack: optional(string),
      isFenced: since(2, bool),
    }),
    clusterAuthorizedOperations: withDefault(int32, -0x8000_0000),
  },
);
export type DescribeClusterResponse = Infer<typeof describeClusterResponse>;
