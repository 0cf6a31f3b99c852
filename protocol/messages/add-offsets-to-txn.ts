import { type Infer, request, response } from "../schema/message.ts";
import { int16, int32, int64, string } from "../schema/types.ts";

// KIP-98. v2: PRODUCER_FENCED. v3: flexible. v4: abortable errors (KIP-890).
export const addOffsetsToTxnRequest = request(
  25,
  { versions: [0, 4], flexible: 3 },
  {
    transactionalId: string,
    producerId: int64,
    producerEpoch: int16,
    groupId: string,
  },
);
export type AddOffsetsToTxnRequest = Infer<typeof addOffsetsToTxnRequest>;

export const addOffsetsToTxnResponse = response(
  25,
  { versions: [0, 4], flexible: 3 },
  { throttleTimeMs: int32, errorCode: int16 },
);
export type AddOffsetsToTxnResponse = Infer<typeof addOffsetsToTxnResponse>;
