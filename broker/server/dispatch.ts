import { readRequestHead, type RequestHead } from "../../protocol/api-frame.ts";
import { DecodeError } from "../../protocol/schema/decode-error.ts";
import type { Encoded } from "../../protocol/schema/encode.ts";
import { includesVersion, type KafkaApi, type PreparedRequest } from "../handlers/kafka-api.ts";

/** What is to happen with a frame. */
export type Route<Services> =
  | {
      readonly kind: "run";
      readonly api: KafkaApi<Services>;
      readonly head: RequestHead;
      readonly prepared: PreparedRequest<Services>;
    }
  /** The answer is known without a handler. */
  | {
      readonly kind: "answer";
      readonly api: KafkaApi<Services>;
      readonly head: RequestHead;
      readonly response: Encoded;
    }
  /** Kafka closes the connection: the client speaks a version, or asks for an API, that was never advertised. */
  | { readonly kind: "unsupported"; readonly head: RequestHead }
  | { readonly kind: "corrupt"; readonly error: DecodeError };

/** Finds the handler of the request in `frame[0, end)` and reads its body. */
export function route<Services>(
  apis: ReadonlyMap<number, KafkaApi<Services>>,
  frame: Uint8Array,
  end: number,
): Route<Services> {
  const head = readRequestHead(frame, end);
  if (head instanceof DecodeError) return { kind: "corrupt", error: head };
  const { requestApiKey, requestApiVersion, correlationId } = head.header;
  const api = apis.get(requestApiKey);
  if (api === undefined) return { kind: "unsupported", head };
  if (!includesVersion(api.advertised, requestApiVersion)) {
    const response = api.unknownVersion(correlationId);
    return response === null
      ? { kind: "unsupported", head }
      : { kind: "answer", api, head, response };
  }
  const prepared = api.prepare(head, frame, end);
  if (prepared instanceof DecodeError) return { kind: "corrupt", error: prepared };
  if (includesVersion(api.versions, requestApiVersion)) return { kind: "run", api, head, prepared };
  const response = prepared.refuse("UNSUPPORTED_VERSION");
  return response === null
    ? { kind: "unsupported", head }
    : { kind: "answer", api, head, response };
}
