import { array, int, string, struct } from "./field-types.ts";
import { recordKind } from "./record-kind.ts";

/** Written in the entry of the change it answers for, so that key and change exist together or not at all. */
export const idempotencyKeyRecord = recordKind("idempotencyKey", 60, {
  scope: string,
  key: string,
  requestHash: string,
  reply: string,
  createdAtMs: int,
});

export const idempotencyExpiredRecord = recordKind("idempotencyExpired", 61, {
  keys: array(struct({ scope: string, key: string })),
});
