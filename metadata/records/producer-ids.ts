import { int } from "./field-types.ts";
import { recordKind } from "./record-kind.ts";

/** Producer ids [first, first + count) belong to one incarnation of a broker; no id is ever handed out twice. */
export const producerIdsRecord = recordKind("producerIds", 40, {
  brokerId: int,
  brokerEpoch: int,
  first: int,
  count: int,
});
