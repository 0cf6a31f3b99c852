import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  int16,
  int32,
  int8,
  nullable,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

// v1: key type, for transactional ids (KIP-98). v3: flexible. v4: many keys at once (KIP-699). v5: transactions may answer abortable errors (KIP-890).
// v6: share groups, keyed "group:topicId:partition" (KIP-932).
export const findCoordinatorRequest = request(
  10,
  { versions: [0, 6], flexible: 3 },
  {
    key: between(0, 3, string),
    keyType: since(1, withDefault(int8, 0)),
    coordinatorKeys: since(4, array(string)),
  },
);
export type FindCoordinatorRequest = Infer<typeof findCoordinatorRequest>;

export const findCoordinatorResponse = response(
  10,
  { versions: [0, 6], flexible: 3 },
  {
    throttleTimeMs: since(1, int32),
    errorCode: between(0, 3, int16),
    errorMessage: between(1, 3, nullable(string)),
    nodeId: between(0, 3, int32),
    host: between(0, 3, string),
    port: between(0, 3, int32),
    coordinators: since(
      4,
      array({
        key: string,
        nodeId: int32,
        host: string,
        port: int32,
        errorCode: int16,
        errorMessage: nullable(string),
      }),
    ),
  },
);
export type FindCoordinatorResponse = Infer<typeof findCoordinatorResponse>;
