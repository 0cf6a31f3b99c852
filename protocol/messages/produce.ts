import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  int16,
  int32,
  int64,
  nullable,
  optional,
  records,
  since,
  string,
  struct,
  tagged,
  uuid,
  withDefault,
} from "../schema/types.ts";

// v3: transactional id (KIP-98), record format 2 from here on. v9: flexible (KIP-482). v12: partitions may be added to the transaction by the produce
// itself (KIP-890). v13: topic ids instead of names (KIP-516).
export const produceRequest = request(
  0,
  { versions: [0, 13], flexible: 9 },
  {
    transactionalId: since(3, optional(string)),
    acks: int16,
    timeoutMs: int32,
    topicData: array({
      name: between(0, 12, string),
      topicId: since(13, uuid),
      partitionData: array({ index: int32, records: nullable(records) }),
    }),
  },
);
export type ProduceRequest = Infer<typeof produceRequest>;

// v1: throttle time. v2: append time. v5: log start offset. v8: which records spoilt a batch (KIP-467). v10: the new leader with the error (KIP-951).
export const produceResponse = response(
  0,
  { versions: [0, 13], flexible: 9 },
  {
    responses: array({
      name: between(0, 12, string),
      topicId: since(13, uuid),
      partitionResponses: array({
        index: int32,
        errorCode: int16,
        baseOffset: int64,
        logAppendTimeMs: since(2, withDefault(int64, -1)),
        logStartOffset: since(5, withDefault(int64, -1)),
        recordErrors: since(
          8,
          array({ batchIndex: int32, batchIndexErrorMessage: optional(string) }),
        ),
        errorMessage: since(8, optional(string)),
        currentLeader: tagged(
          0,
          10,
          struct({
            leaderId: withDefault(int32, -1),
            leaderEpoch: withDefault(int32, -1),
          }),
        ),
      }),
    }),
    throttleTimeMs: since(1, withDefault(int32, 0)),
    nodeEndpoints: tagged(
      0,
      10,
      array({
        nodeId: int32,
        host: string,
        port: int32,
        rack: optional(string),
      }),
    ),
  },
);
export type ProduceResponse = Infer<typeof produceResponse>;
