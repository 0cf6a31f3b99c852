import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, optional, string, struct, uuid } from "../schema/types.ts";

// KIP-932. v0 was early access, v1 is the first stable version.
export const shareGroupHeartbeatRequest = request(
  76,
  { versions: [0, 1], flexible: 0 },
  {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    rackId: optional(string),
    subscribedTopicNames: optional(array(string)),
  },
);
export type ShareGroupHeartbeatRequest = Infer<typeof shareGroupHeartbeatRequest>;

const topicPartitions = struct({ topicId: uuid, partitions: array(int32) });

export const shareGroupHeartbeatResponse = response(
  76,
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
export type ShareGroupHeartbeatResponse = Infer<typeof shareGroupHeartbeatResponse>;
