import { struct } from "./field-types.ts";
import type { Fields, InferFields } from "./field-types.ts";

/** One kind of metadata record. `code` is what the log stores: never reuse one, never change one. */
export type RecordKind<Name extends string, F extends Fields> = {
  readonly name: Name;
  readonly code: number;
  /** First metadata level that writes records of this kind. */
  readonly since: number;
  readonly fields: F;
  encode(record: unknown, level: number): unknown[];
  decode(wire: readonly unknown[], level: number): { readonly kind: Name } & InferFields<F>;
};

export type RecordOf<K> =
  K extends RecordKind<infer Name, infer F> ? { readonly kind: Name } & InferFields<F> : never;

export function recordKind<const Name extends string, F extends Fields>(
  name: Name,
  code: number,
  fields: F,
  { since = 1 }: { readonly since?: number } = {},
): RecordKind<Name, F> {
  const body = struct(fields);
  return {
    name,
    code,
    since,
    fields,
    encode(record, level) {
      if (level < since) throw new Error(`a record ${name} cannot be written at level ${level}`);
      return [code, ...(body.encode(record as InferFields<F>, level) as unknown[])];
    },
    decode: (wire, level) => ({ kind: name, ...body.decode(wire.slice(1), level) }),
  };
}

/** A record's fields alone, as the image keeps them. */
export function fieldsOf<Stored extends { readonly kind: string }>(
  record: Stored,
): Omit<Stored, "kind"> {
  const { kind, ...fields } = record;
  void kind;
  return fields;
}
