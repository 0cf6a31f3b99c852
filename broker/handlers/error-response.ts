import { errorCodes, type ErrorName, errorMessage } from "../../protocol/errors.ts";
import type { Message } from "../../protocol/schema/message.ts";
import type { TypeNode } from "../../protocol/schema/types.ts";
import { defaultOf } from "../../protocol/schema/zero-value.ts";

/**
 * A response that says nothing but `error`, at its top level, everything else being Kafka's default; null if this version has no error code
 * there. Clients look at the top level first wherever there is one.
 */
export function errorResponse<D, E>(
  response: Message<D, E>,
  version: number,
  error: ErrorName,
): E | null {
  const codeField = response.fields["errorCode"];
  if (codeField === undefined || !isIn(codeField, version)) return null;
  const empty = defaultOf({ kind: "struct", fields: response.fields })() as Record<string, unknown>;
  empty["errorCode"] = errorCodes[error];
  if (response.fields["errorMessage"]?.kind === "string") {
    empty["errorMessage"] = errorMessage(error);
  }
  // Built from the message's own table, which TypeScript cannot follow.
  return empty as E;
}

function isIn(field: TypeNode, version: number): boolean {
  return (
    field.versions === undefined || (version >= field.versions[0] && version <= field.versions[1])
  );
}
