import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  bytes,
  int16,
  int32,
  optional,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

// v1: throttle time. v3: authorized operations (KIP-430). v4: instance ids (KIP-345). v5: flexible. v6: an unknown group is an error with a message
// (KIP-1043).
export const describeGroupsRequest = request(
  15,
  { versions: [0, 6], flexible: 5 },
  {
    groups: array(string),
    includeAuthorizedOperations: since(3, bool),
  },
);
export type DescribeGroupsRequest = Infer<typeof describeGroupsRequest>;

export const describeGroupsResponse = response(
  15,
  { versions: [0, 6], flexible: 5 },
  {
    throttleTimeMs: since(1, int32),
    groups: array({
      errorCode: int16,
      errorMessage: since(6, optional(string)),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array({
        memberId: string,
        groupInstanceId: since(4, optional(string)),
        clientId: string,
        clientHost: string,
        memberMetadata: bytes,
        memberAssignment: bytes,
      }),
      authorizedOperations: since(3, withDefault(int32, -0x8000_0000)),
    }),
  },
);
export type DescribeGroupsResponse = Infer<typeof describeGroupsResponse>;
