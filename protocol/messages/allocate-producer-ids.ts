import { type Infer, request, response } from "../schema/message.ts";
import { int16, int32, int64, withDefault } from "../schema/types.ts";

// KIP-730: blocks of producer ids.
export const allocateProducerIdsRequest = request(
  67,
  { versions: [0, 0], flexible: 0 },
  { brokerId: int32, brokerEpoch: withDefault(int64, -1) },
);
export type AllocateProducerIdsRequest = Infer<typeof allocateProducerIdsRequest>;

export const allocateProducerIdsResponse = response(
  67,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    producerIdStart: int64,
    producerIdLen: int32,
  },
);
export type AllocateProducerIdsResponse = Infer<typeof allocateProducerIdsResponse>;
