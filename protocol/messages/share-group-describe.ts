import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  optional,
  string,
  struct,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-932. v0 was early access, v1 is the first stable version.
export const shareGroupDescribeRequest = request(
  77,
  { versions: [0, 1], flexible: 0 },
  { groupIds: array(string), includeAuthorizedOperations: bool },
);
export type ShareGroupDescribeRequest = Infer<typeof shareGroupDescribeRequest>;

const topicPartitions = struct({ topicId: uuid, topicName: string, partitions: array(int32) });

const assignment = struct({ topicPartitions: array(topicPartitions) });

export const shareGroupDescribeResponse = response(
  77,
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32,
    groups: array({
      errorCode: int16,
      errorMessage: optional(string),
      groupId: string,
      groupState: string,
      groupEpoch: int32,
      assignmentEpoch: int32,
      assignorName: string,
      members: array({
        memberId: string,
        rackId: optional(string),
        memberEpoch: int32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        assignment: assignment,
      }),
      authorizedOperations: withDefault(int32, -0x8000_0000),
    }),
  },
);
export type ShareGroupDescribeResponse = Infer<typeof shareGroupDescribeResponse>;
