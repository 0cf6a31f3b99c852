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
import { type FunctionSource, startSource } from "./function-source.ts";
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

/** The writer of a struct is made as source, as its reader is (compile-read.ts). */
export function compileStructWrite(fields: Fields, at: WireVersion): Write {
  const source = startSource();
  const byTag: { name: string; field: TypeNode; tag: number }[] = [];
  for (const [index, [name, field]] of Object.entries(fields).entries()) {
    if (!isCarried(field, at)) continue;
    if (field.tag !== undefined) {
      byTag.push({ name, field, tag: field.tag });
      continue;
    }
    const write = source.use(compileWrite(field, at));
    const absent = source.use(whenAbsent(name, field));
    const value = `field${index}`;
    source.line(`const ${value} = struct[${JSON.stringify(name)}];`);
    source.line(`${write}(cursor, ${value} === undefined ? ${absent}() : ${value});`);
  }
  byTag.sort((a, b) => a.tag - b.tag);
  if (at.isFlexible) writeTags(source, byTag, at);
  return source.toFunction("cursor, struct") as Write;
}

/** What happens when the caller leaves a field out: its default goes out, or, where the types demand a value, a bug shows. */
function whenAbsent(name: string, field: TypeNode): () => unknown {
  const isOptional = field.defaultValue !== undefined || field.versions !== undefined;
  if (isOptional) return defaultOf(field);
  return () => {
    throw new RangeError(`field "${name}" is missing`);
  };
}

/** Tagged fields that are not their default, ascending, behind how many there are (KIP-482). */
function writeTags(
  source: FunctionSource,
  byTag: readonly { name: string; field: TypeNode; tag: number }[],
  at: WireVersion,
): void {
  const writeVarint = source.use(writeUnsignedVarint);
  const isThere = byTag.map(({ name, field }, index) => {
    const isDefault = source.use(isDefaultOf(field));
    source.line(`const tagged${index} = struct[${JSON.stringify(name)}];`);
    source.line(
      `const has${index} = tagged${index} !== undefined && !${isDefault}(tagged${index}) ? 1 : 0;`,
    );
    return `has${index}`;
  });
  source.line(`${writeVarint}(cursor, ${isThere.join(" + ") || 0});`);
  for (const [index, { field, tag }] of byTag.entries()) {
    const write = source.use(compileWrite(field, at));
    source.line(`if (has${index} === 1) {`);
    source.line(`  ${writeVarint}(cursor, ${tag});`);
    source.line(`  ${source.use(writeSized)}(cursor, tagged${index}, ${write});`);
    source.line("}");
  }
}
