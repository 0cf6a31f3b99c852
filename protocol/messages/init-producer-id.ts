import { type Infer, request, response } from "../schema/message.ts";
import {
  bool,
  int16,
  int32,
  int64,
  nullable,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

// KIP-98. v2: flexible. v3: keeps a producer id across epochs (KIP-360). v4: PRODUCER_FENCED. v5: abortable errors (KIP-890). v6: two-phase commit (KIP-939).
export const initProducerIdRequest = request(
  22,
  { versions: [0, 6], flexible: 2 },
  {
    transactionalId: nullable(string),
    transactionTimeoutMs: int32,
    producerId: since(3, withDefault(int64, -1)),
    producerEpoch: since(3, withDefault(int16, -1)),
    enable2Pc: since(6, withDefault(bool, false)),
    keepPreparedTxn: since(6, withDefault(bool, false)),
  },
);
export type InitProducerIdRequest = Infer<typeof initProducerIdRequest>;

export const initProducerIdResponse = response(
  22,
  { versions: [0, 6], flexible: 2 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: withDefault(int64, -1),
    producerEpoch: int16,
    ongoingTxnProducerId: since(6, withDefault(int64, -1)),
    ongoingTxnProducerEpoch: since(6, withDefault(int16, -1)),
  },
);
export type InitProducerIdResponse = Infer<typeof initProducerIdResponse>;
