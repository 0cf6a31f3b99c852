import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  bool,
  int16,
  int32,
  int64,
  int8,
  nullable,
  optional,
  records,
  since,
  string,
  struct,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-932. v0 was early access; v1 counts records instead of bytes per partition. v2: acquire modes (KIP-1206), renewing acquisitions (KIP-1222).
export const shareFetchRequest = request(
  78,
  { versions: [0, 2], flexible: 0 },
  {
    groupId: optional(string),
    memberId: nullable(string),
    shareSessionEpoch: int32,
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: withDefault(int32, 0x7fff_ffff),
    maxRecords: since(1, int32),
    batchSize: since(1, int32),
    shareAcquireMode: since(2, withDefault(int8, 0)),
    isRenewAck: since(2, withDefault(bool, false)),
    topics: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        partitionMaxBytes: between(0, 0, int32),
        acknowledgementBatches: array({
          firstOffset: int64,
          lastOffset: int64,
          acknowledgeTypes: array(int8),
        }),
      }),
    }),
    forgottenTopicsData: array({ topicId: uuid, partitions: array(int32) }),
  },
);
export type ShareFetchRequest = Infer<typeof shareFetchRequest>;

export const shareFetchResponse = response(
  78,
  { versions: [0, 2], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: optional(string),
    acquisitionLockTimeoutMs: since(1, int32),
    responses: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: optional(string),
        acknowledgeErrorCode: int16,
        acknowledgeErrorMessage: optional(string),
        currentLeader: struct({ leaderId: int32, leaderEpoch: int32 }),
        records: nullable(records, 0, 0),
        acquiredRecords: array({ firstOffset: int64, lastOffset: int64, deliveryCount: int16 }),
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
export type ShareFetchResponse = Infer<typeof shareFetchResponse>;
