import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int64,
  optional,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

// KIP-664. v1: filter by duration (KIP-994). v2: filter by pattern of the transactional id (KIP-1152).
export const listTransactionsRequest = request(
  66,
  { versions: [0, 2], flexible: 0 },
  {
    stateFilters: array(string),
    producerIdFilters: array(int64),
    durationFilter: since(1, withDefault(int64, -1)),
    transactionalIdPattern: since(2, optional(string)),
  },
);
export type ListTransactionsRequest = Infer<typeof listTransactionsRequest>;

export const listTransactionsResponse = response(
  66,
  { versions: [0, 2], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    unknownStateFilters: array(string),
    transactionStates: array({
      transactionalId: string,
      producerId: int64,
      transactionState: string,
    }),
  },
);
export type ListTransactionsResponse = Infer<typeof listTransactionsResponse>;
