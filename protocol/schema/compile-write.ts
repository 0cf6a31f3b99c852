import {
  writeBool,
  writeBytes,
  writeClassicString,
  writeCompactString,
  type WriteCursor,
  writeFloat64,
  writeInt16,
  writeInt32,
  writeInt64,
  writeInt8,
  writeSized,
  writeUint16,
  writeUint32,
  writeUnsignedVarint,
  writeUuid,
} from "./write-cursor.ts";
import type { Fields, TypeNode } from "./types.ts";
import { isCarried, isCompact, isNullableIn, type WireVersion } from "./wire-version.ts";
import { defaultOf, isDefaultOf } from "./zero-value.ts";

// Values reach a writer typed by Encodable<M>; inside, each kind's writer is stored as taking unknown, and this is the one place that says so.
type Write = (cursor: WriteCursor, value: unknown) => void;

const scalarWriters = {
  bool: writeBool,
  int8: writeInt8,
  int16: writeInt16,
  int32: writeInt32,
  int64: writeInt64,
  uint16: writeUint16,
  uint32: writeUint32,
  float64: writeFloat64,
  uuid: writeUuid,
} as const;

/** Derives the writer of a type in one version. */
function compileWrite(node: TypeNode, at: WireVersion): Write {
  const isNullable = isNullableIn(node, at);
  const compact = isCompact(node, at);
  switch (node.kind) {
    case "string":
      return withNull(
        compact ? writeCompactNull : writeInt16Null,
        isNullable,
        (compact ? writeCompactString : writeClassicString) as Write,
      );
    case "bytes":
    case "records":
      return withNull(compact ? writeCompactNull : writeInt32Null, isNullable, (cursor, value) => {
        const bytes = value as Uint8Array;
        if (compact) writeUnsignedVarint(cursor, bytes.byteLength + 1);
        else writeInt32(cursor, bytes.byteLength);
        writeBytes(cursor, bytes);
      });
    case "array":
      return withNull(
        compact ? writeCompactNull : writeInt32Null,
        isNullable,
        compileArrayWrite(node.element, at),
      );
    case "struct": {
      const write = compileStructWrite(node.fields, at);
      if (!isNullable) return write;
      return withNull(writeInt8Null, isNullable, (cursor, value) => {
        writeInt8(cursor, 1);
        write(cursor, value);
      });
    }
    case "bool":
    case "int8":
    case "int16":
    case "int32":
    case "int64":
    case "uint16":
    case "uint32":
    case "float64":
    case "uuid":
      return scalarWriters[node.kind] as Write;
  }
}

function writeCompactNull(cursor: WriteCursor): void {
  writeUnsignedVarint(cursor, 0);
}
function writeInt8Null(cursor: WriteCursor): void {
  writeInt8(cursor, -1);
}
function writeInt16Null(cursor: WriteCursor): void {
  writeInt16(cursor, -1);
}
function writeInt32Null(cursor: WriteCursor): void {
  writeInt32(cursor, -1);
}

function withNull(
  writeNull: (cursor: WriteCursor) => void,
  isNullable: boolean,
  write: Write,
): Write {
  return (cursor, value) => {
    if (value !== null) write(cursor, value);
    else if (isNullable) writeNull(cursor);
    else throw new RangeError("null where the field takes none");
  };
}

function compileArrayWrite(element: TypeNode, at: WireVersion): Write {
  const write = compileWrite(element, at);
  const { isFlexible } = at;
  return (cursor, value) => {
    const values = value as readonly unknown[];
    if (isFlexible) writeUnsignedVarint(cursor, values.length + 1);
    else writeInt32(cursor, values.length);
    for (const item of values) write(cursor, item);
  };
}

type FieldWrite = { readonly name: string; readonly write: Write };
type TaggedWrite = FieldWrite & {
  readonly tag: number;
  readonly isDefault: (value: unknown) => boolean;
};

export function compileStructWrite(fields: Fields, at: WireVersion): Write {
  const inOrder: FieldWrite[] = [];
  const byTag: TaggedWrite[] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (!isCarried(field, at)) continue;
    const write = compileWrite(field, at);
    if (field.tag === undefined) inOrder.push({ name, write: orDefault(name, field, write) });
    else byTag.push({ name, write, tag: field.tag, isDefault: isDefaultOf(field) });
  }
  byTag.sort((a, b) => a.tag - b.tag);
  return (cursor, value) => {
    const struct = value as Record<string, unknown>;
    for (const { name, write } of inOrder) write(cursor, struct[name]);
    if (at.isFlexible) writeTaggedFields(cursor, byTag, struct);
  };
}

/** What happens when the caller leaves a field out: its default goes out, or, where the types demand a value, a bug shows. */
function orDefault(name: string, field: TypeNode, write: Write): Write {
  const isOptional = field.defaultValue !== undefined || field.versions !== undefined;
  if (!isOptional) {
    return (cursor, value) => {
      if (value === undefined) throw new RangeError(`field "${name}" is missing`);
      write(cursor, value);
    };
  }
  const makeDefault = defaultOf(field);
  return (cursor, value) => write(cursor, value === undefined ? makeDefault() : value);
}

function writeTaggedFields(
  cursor: WriteCursor,
  byTag: readonly TaggedWrite[],
  struct: Record<string, unknown>,
): void {
  let count = 0;
  for (const { name, isDefault } of byTag) {
    const value = struct[name];
    if (value !== undefined && !isDefault(value)) count++;
  }
  writeUnsignedVarint(cursor, count);
  if (count === 0) return;
  for (const { name, tag, isDefault, write } of byTag) {
    const value = struct[name];
    if (value === undefined || isDefault(value)) continue;
    writeUnsignedVarint(cursor, tag);
    writeSized(cursor, value, write);
  }
}
