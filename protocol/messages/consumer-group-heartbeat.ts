import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  optional,
  since,
  string,
  struct,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-848. v1: subscription by pattern; the member makes its own id (KIP-1082).
export const consumerGroupHeartbeatRequest = request(
  68,
  { versions: [0, 1], flexible: 0 },
  {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    instanceId: optional(string),
    rackId: optional(string),
    rebalanceTimeoutMs: withDefault(int32, -1),
    subscribedTopicNames: optional(array(string)),
    subscribedTopicRegex: since(1, optional(string)),
    serverAssignor: optional(string),
    topicPartitions: optional(array({ topicId: uuid, partitions: array(int32) })),
  },
);
export type ConsumerGroupHeartbeatRequest = Infer<typeof consumerGroupHeartbeatRequest>;

const topicPartitions = struct({ topicId: uuid, partitions: array(int32) });

export const consumerGroupHeartbeatResponse = response(
  68,
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: optional(string),
    memberId: optional(string),
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    assignment: optional(struct({ topicPartitions: array(topicPartitions) })),
  },
);
export type ConsumerGroupHeartbeatResponse = Infer<typeof consumerGroupHeartbeatResponse>;
