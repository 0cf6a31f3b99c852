import { type Infer, request, response } from "../schema/message.ts";
import { bool, int16, int32, int64, since, string, withDefault } from "../schema/types.ts";

// KIP-98. v2: PRODUCER_FENCED. v3: flexible. v4: abortable errors. v5: a new epoch with every transaction (KIP-890).
export const endTxnRequest = request(
  26,
  { versions: [0, 5], flexible: 3 },
  {
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    committed: bool,
  },
);
export type EndTxnRequest = Infer<typeof endTxnRequest>;

export const endTxnResponse = response(
  26,
  { versions: [0, 5], flexible: 3 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: since(5, withDefault(int64, -1)),
    producerEpoch: since(5, withDefault(int16, -1)),
  },
);
export type EndTxnResponse = Infer<typeof endTxnResponse>;
