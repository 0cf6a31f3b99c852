import type { ExternalBytes } from "../external-bytes.ts";

// The vocabulary of the wire tables. A type is a plain object; wrappers return a copy with one attribute more. What a table says is checked
// against Kafka's JSON by test/unit/protocol/schema/kafka-json.test.ts.

export type ScalarKind =
  | "bool"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint16"
  | "uint32"
  | "float64"
  | "uuid"
  | "string"
  | "bytes"
  | "records";

/** First and last version, both inclusive; an open end is Infinity. */
export type VersionRange = readonly [from: number, to: number];

export type Shape =
  | { readonly kind: ScalarKind }
  | { readonly kind: "array"; readonly element: TypeNode }
  | { readonly kind: "struct"; readonly fields: Fields };

export type Attributes = {
  /** Versions that carry the field; absent means all. */
  readonly versions?: VersionRange;
  readonly nullable?: VersionRange;
  readonly tag?: number;
  /** Kafka's default where it is not the type's zero value. */
  readonly defaultValue?: DefaultValue;
  /** Encoded with fixed-size lengths even in flexible versions: the client id of request headers (KIP-482). */
  readonly classic?: true;
};

export type DefaultValue = number | boolean | string | null;
export type TypeNode = Shape & Attributes;
export type Fields = { readonly [name: string]: TypeNode };

declare const phantom: unique symbol;
type Presence = "required" | "optional";

/** A node that remembers what it decodes to, what may be given to encode, and whether encoding may leave the field out. */
export type Type<Decoded, Encodable = Decoded, P extends Presence = "required"> = TypeNode & {
  readonly [phantom]: { decoded: Decoded; encodable: Encodable; presence: P };
};

type AnyType = Type<unknown, unknown, Presence>;
type DecodedType<T> = T extends { readonly [phantom]: { decoded: infer D } } ? D : never;
type EncodableType<T> = T extends { readonly [phantom]: { encodable: infer E } } ? E : never;
type PresenceOf<T> = T extends { readonly [phantom]: { presence: infer P extends Presence } }
  ? P
  : never;
type OptionalNames<F> = {
  [K in keyof F]: PresenceOf<F[K]> extends "required" ? never : K;
}[keyof F];
type Flatten<T> = { [K in keyof T]: T[K] };

export type TypedFields = { readonly [name: string]: AnyType };

/** What decoding gives: every field, whatever the version. */
export type DecodedFields<F> = { -readonly [K in keyof F]: DecodedType<F[K]> };

/** What encoding takes: fields with a default and fields that some versions lack may be left out. */
export type EncodableFields<F> = Flatten<
  { readonly [K in Exclude<keyof F, OptionalNames<F>>]: EncodableType<F[K]> } & {
    readonly [K in OptionalNames<F>]?: EncodableType<F[K]> | undefined;
  }
>;

function typed<T>(node: TypeNode): T {
  return node as T;
}

export const bool: Type<boolean> = typed({ kind: "bool" });
export const int8: Type<number> = typed({ kind: "int8" });
export const int16: Type<number> = typed({ kind: "int16" });
export const int32: Type<number> = typed({ kind: "int32" });
/** 64 bits on the wire, a safe integer here. `int64Max` stands for Java's Long.MAX_VALUE, which Kafka uses as "none". */
export const int64: Type<number> = typed({ kind: "int64" });
export const uint16: Type<number> = typed({ kind: "uint16" });
export const uint32: Type<number> = typed({ kind: "uint32" });
export const float64: Type<number> = typed({ kind: "float64" });
/** 16 bytes on the wire, Kafka's 22 characters of url-safe base64 here. */
export const uuid: Type<string> = typed({ kind: "uuid" });
export const string: Type<string> = typed({ kind: "string" });
/** Decodes to a slice of the frame: lent, see style rule on buffer ownership. */
export const bytes: Type<Uint8Array, Uint8Array | ExternalBytes> = typed({ kind: "bytes" });
/** Record batches: bytes on the wire, kept apart because a reader treats them apart. */
export const records: Type<Uint8Array, Uint8Array | ExternalBytes> = typed({ kind: "records" });

export const int64Max = Number.MAX_SAFE_INTEGER;
export const zeroUuid = "AAAAAAAAAAAAAAAAAAAAAA";

export function struct<const F extends TypedFields>(
  fields: F,
): Type<DecodedFields<F>, EncodableFields<F>> {
  return typed({ kind: "struct", fields });
}

/** An array of a type, or of structs when given fields. */
export function array<D, E, P extends Presence>(element: Type<D, E, P>): Type<D[], readonly E[]>;
export function array<const F extends TypedFields>(
  fields: F,
): Type<DecodedFields<F>[], readonly EncodableFields<F>[]>;
export function array(element: TypeNode | Fields): TypeNode {
  return {
    kind: "array",
    element: isType(element) ? element : { kind: "struct", fields: element },
  };
}

// A field called "kind" would be an object; the kind of a type is a string.
function isType(value: TypeNode | Fields): value is TypeNode {
  return typeof value.kind === "string";
}

/** The field exists from version `from` on. */
export function since<D, E, P extends Presence>(
  from: number,
  type: Type<D, E, P>,
): Type<D, E, "optional"> {
  return between(from, Infinity, type);
}

/** The field exists in versions `from` to `to`, both inclusive. */
export function between<D, E, P extends Presence>(
  from: number,
  to: number,
  type: Type<D, E, P>,
): Type<D, E, "optional"> {
  return typed({ ...type, versions: [from, to] });
}

/** Null is a value of the field, in versions `from` to `to`. */
export function nullable<D, E, P extends Presence>(
  type: Type<D, E, P>,
  from = 0,
  to = Infinity,
): Type<D | null, E | null, P> {
  return typed({ ...type, nullable: [from, to] });
}

/** Null is a value of the field, in versions `from` to `to`, and its default. */
export function optional<D, E, P extends Presence>(
  type: Type<D, E, P>,
  from = 0,
  to = Infinity,
): Type<D | null, E | null, "optional"> {
  return typed({ ...type, nullable: [from, to], defaultValue: null });
}

/** What the field is in versions without it, and when the encoder is given nothing. Without this it is the zero of its type. */
export function withDefault<D, E, P extends Presence>(
  type: Type<D, E, P>,
  defaultValue: D & DefaultValue,
): Type<D, E, "optional"> {
  return typed({ ...type, defaultValue });
}

/** A tagged field (KIP-482), from version `from` on: on the wire only if it differs from its default. */
export function tagged<D, E, P extends Presence>(
  tag: number,
  from: number,
  type: Type<D, E, P>,
): Type<D, E, "optional"> {
  return typed({ ...type, tag, versions: [from, Infinity] });
}

/** Never in compact form, flexible version or not. */
export function classic<D, E, P extends Presence>(type: Type<D, E, P>): Type<D, E, P> {
  return typed({ ...type, classic: true });
}
