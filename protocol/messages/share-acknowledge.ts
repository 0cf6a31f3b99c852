import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  nullable,
  optional,
  since,
  string,
  struct,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-932. v0 was early access, v1 is the first stable version. v2: renewing acquisitions (KIP-1222).
export const shareAcknowledgeRequest = request(
  79,
  { versions: [0, 2], flexible: 0 },
  {
    groupId: optional(string),
    memberId: nullable(string),
    shareSessionEpoch: int32,
    isRenewAck: since(2, withDefault(bool, false)),
    topics: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        acknowledgementBatches: array({
          firstOffset: int64,
          lastOffset: int64,
          acknowledgeTypes: array(int8),
        }),
      }),
    }),
  },
);
export type ShareAcknowledgeRequest = Infer<typeof shareAcknowledgeRequest>;

export const shareAcknowledgeResponse = response(
  79,
  { versions: [0, 2], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: optional(string),
    acquisitionLockTimeoutMs: since(2, int32),
    responses: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: optional(string),
        currentLeader: struct({ leaderId: int32, leaderEpoch: int32 }),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32,
      host: string,
      port: int32,
      rack: optional(string),
    }),
  },
);
export type ShareAcknowledgeResponse = Infer<typeof shareAcknowledgeResponse>;
