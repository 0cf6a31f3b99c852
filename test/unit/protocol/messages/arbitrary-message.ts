import fc from "fast-check";
import { type Fields, int64Max, type TypeNode } from "../../../../protocol/schema/types.ts";
import {
  isCarried,
  isNullableIn,
  type WireVersion,
} from "../../../../protocol/schema/wire-version.ts";
import { defaultOf } from "../../../../protocol/schema/zero-value.ts";

type Struct = Record<string, unknown>;

/** Any value the encoder takes for these fields in this version; fields it may leave out are left out now and then. */
export function arbitraryStruct(fields: Fields, at: WireVersion): fc.Arbitrary<Struct> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (!isCarried(field, at)) continue;
    model[name] = arbitraryValue(field, at);
    if (field.versions === undefined && field.defaultValue === undefined) required.push(name);
  }
  return fc.record(model, { requiredKeys: required, noNullPrototype: true });
}

function arbitraryValue(node: TypeNode, at: WireVersion): fc.Arbitrary<unknown> {
  const value = arbitraryNonNull(node, at);
  return isNullableIn(node, at) ? fc.option(value, { freq: 3 }) : value;
}

const lengths = { maxLength: 3 };

function arbitraryNonNull(node: TypeNode, at: WireVersion): fc.Arbitrary<unknown> {
  switch (node.kind) {
    case "bool":
      return fc.boolean();
    case "int8":
      return fc.integer({ min: -0x80, max: 0x7f });
    case "int16":
      return fc.integer({ min: -0x8000, max: 0x7fff });
    case "uint16":
      return fc.integer({ min: 0, max: 0xffff });
    case "int32":
      return fc.integer();
    case "uint32":
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case "int64":
      return fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-1, 0, int64Max, -0x1_0000_0000));
    case "float64":
      return fc.double({ noNaN: true });
    case "uuid":
      return fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .map((bytes) => Buffer.from(bytes).toString("base64url"));
    case "string":
      return fc.string({ unit: "grapheme", maxLength: 50 });
    case "bytes":
    case "records":
      return fc.uint8Array({ maxLength: 20 });
    case "array":
      return fc.array(arbitraryValue(node.element, at), lengths);
    case "struct":
      return arbitraryStruct(node.fields, at);
  }
}

/** What decoding must give for an encoded value: the same, with the default of every field that was left out or is not in this version. */
export function completed(fields: Fields, at: WireVersion, value: Struct): Struct {
  const complete: Struct = {};
  for (const [name, field] of Object.entries(fields)) {
    const given = isCarried(field, at) ? value[name] : undefined;
    complete[name] = given === undefined ? defaultOf(field)() : completedValue(field, at, given);
  }
  return complete;
}

function completedValue(node: TypeNode, at: WireVersion, value: unknown): unknown {
  if (value === null) return null;
  if (node.kind === "array") {
    return (value as unknown[]).map((item) => completedValue(node.element, at, item));
  }
  return node.kind === "struct" ? completed(node.fields, at, value as Struct) : value;
}

/** The same value with every slice of a frame as plain bytes, so that it can be compared. */
export function withPlainBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(withPlainBytes);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, withPlainBytes(part)]),
  );
}
