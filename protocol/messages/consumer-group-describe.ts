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
  struct,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-848. v1: member types, while a group moves between protocols (KIP-1099).
export const consumerGroupDescribeRequest = request(
  69,
  { versions: [0, 1], flexible: 0 },
  { groupIds: array(string), includeAuthorizedOperations: bool },
);
export type ConsumerGroupDescribeRequest = Infer<typeof consumerGroupDescribeRequest>;

const topicPartitions = struct({ topicId: uuid, topicName: string, partitions: array(int32) });

const assignment = struct({ topicPartitions: array(topicPartitions) });

export const consumerGroupDescribeResponse = response(
  69,
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
        instanceId: optional(string),
        rackId: optional(string),
        memberEpoch: int32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        subscribedTopicRegex: optional(string),
        assignment: assignment,
        targetAssignment: assignment,
        memberType: since(1, withDefault(int8, -1)),
      }),
      authorizedOperations: withDefault(int32, -0x8000_0000),
    }),
  },
);
export type ConsumerGroupDescribeResponse = Infer<typeof consumerGroupDescribeResponse>;
