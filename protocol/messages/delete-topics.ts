import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  int16,
  int32,
  nullable,
  optional,
  since,
  string,
  uuid,
} from "../schema/types.ts";

// v1: throttle time. v4: flexible. v5: error messages, throttled by quota (KIP-599). v6: by topic id or name (KIP-516).
export const deleteTopicsRequest = request(
  20,
  { versions: [0, 6], flexible: 4 },
  {
    topics: since(6, array({ name: optional(string), topicId: uuid })),
    topicNames: between(0, 5, array(string)),
    timeoutMs: int32,
  },
);
export type DeleteTopicsRequest = Infer<typeof deleteTopicsRequest>;

export const deleteTopicsResponse = response(
  20,
  { versions: [0, 6], flexible: 4 },
  {
    throttleTimeMs: since(1, int32),
    responses: array({
      name: nullable(string, 6),
      topicId: since(6, uuid),
      errorCode: int16,
      errorMessage: since(5, optional(string)),
    }),
  },
);
export type DeleteTopicsResponse = Infer<typeof deleteTopicsResponse>;
