import type { Codec } from "./codec.ts";
import type { DecodedFields, EncodableFields, Fields, TypedFields, VersionRange } from "./types.ts";

/** One message in all its versions. `D` is what decoding gives, `E` what encoding takes. */
export type Message<D, E = D> = {
  readonly role: "request" | "response" | "data";
  /** The API key of a request or response; the record type of an internal topic's record; null for other data. */
  readonly key: number | null;
  readonly versions: VersionRange;
  /** The first version in compact form with tagged fields (KIP-482), or null if there is none. */
  readonly flexible: number | null;
  readonly fields: Fields;
  /** By version, filled when a version is first used. */
  readonly codecs: (Codec<D, E> | undefined)[];
};

export type MessageOptions = {
  readonly versions: VersionRange;
  readonly flexible: number | null;
};

type MessageOf<F> = Message<DecodedFields<F>, EncodableFields<F>>;

/** The decoded form of a message: `type HeartbeatRequest = Infer<typeof heartbeatRequest>`. */
export type Infer<M> = M extends Message<infer D, never> ? D : never;

/** What the encoder takes for a message: fields with defaults and fields of some versions only may be left out. */
export type Encodable<M> = M extends Message<unknown, infer E> ? E : never;

export function request<const F extends TypedFields>(
  apiKey: number,
  options: MessageOptions,
  fields: F,
): MessageOf<F> {
  return { role: "request", key: apiKey, ...options, fields, codecs: [] };
}

export function response<const F extends TypedFields>(
  apiKey: number,
  options: MessageOptions,
  fields: F,
): MessageOf<F> {
  return { role: "response", key: apiKey, ...options, fields, codecs: [] };
}

/** A message that is no request: headers, and the contents of records. */
export function data<const F extends TypedFields>(
  options: MessageOptions,
  fields: F,
): MessageOf<F> {
  return { role: "data", key: null, ...options, fields, codecs: [] };
}

/** The key of a record in a coordinator's topic: on the log its type comes first, as an int16. */
export function recordKey<const F extends TypedFields>(
  recordType: number,
  fields: F,
): MessageOf<F> {
  return { role: "data", key: recordType, versions: [0, 0], flexible: null, fields, codecs: [] };
}

/** The value of a record in a coordinator's topic: on the log its version comes first, as an int16. */
export function recordValue<const F extends TypedFields>(
  recordType: number,
  options: MessageOptions,
  fields: F,
): MessageOf<F> {
  return { role: "data", key: recordType, ...options, fields, codecs: [] };
}
