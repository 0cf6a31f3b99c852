import {
  fail,
  readBool,
  type ReadCursor,
  readBytes,
  readFloat64,
  readInt16,
  readInt32,
  readInt64,
  readInt8,
  readLength,
  readString,
  readUint16,
  readUint32,
  readUnsignedVarint,
  readUuid,
} from "./read-cursor.ts";
import { startSource } from "./function-source.ts";
import type { Fields, TypeNode } from "./types.ts";
import { isCarried, isCompact, isNullableIn, type WireVersion } from "./wire-version.ts";
import { defaultOf, isObject } from "./zero-value.ts";

type Read = (cursor: ReadCursor) => unknown;

const fixedReaders = {
  bool: readBool,
  int8: readInt8,
  int16: readInt16,
  int32: readInt32,
  int64: readInt64,
  uint16: readUint16,
  uint32: readUint32,
  float64: readFloat64,
  uuid: readUuid,
} as const;

const fixedSizes = {
  bool: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint16: 2,
  uint32: 4,
  float64: 8,
  uuid: 16,
} as const;

/** Derives the reader of a type in one version. */
function compileRead(node: TypeNode, at: WireVersion): Read {
  const isNullable = isNullableIn(node, at);
  const compact = isCompact(node, at);
  switch (node.kind) {
    case "string":
      return sized(compact ? "compact" : "int16", isNullable, readString);
    case "bytes":
    case "records":
      return sized(compact ? "compact" : "int32", isNullable, readBytes);
    case "array":
      return compileArrayRead(node.element, at, isNullable);
    case "struct": {
      const read = compileStructRead(node.fields, at);
      return isNullable ? (cursor) => (readInt8(cursor) < 0 ? null : read(cursor)) : read;
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
      return fixedReaders[node.kind];
  }
}

type LengthForm = "compact" | "int16" | "int32";

function sized(
  form: LengthForm,
  isNullable: boolean,
  read: (cursor: ReadCursor, length: number) => unknown,
): Read {
  return (cursor) => {
    const length = readLength(cursor, form);
    if (length >= 0) return read(cursor, length);
    if (!isNullable) fail(cursor, "null where the field takes none");
    return null;
  };
}

function compileArrayRead(element: TypeNode, at: WireVersion, isNullable: boolean): Read {
  const read = compileRead(element, at);
  const elementBytes = smallestBytes(element, at);
  const form: LengthForm = at.isFlexible ? "compact" : "int32";
  return (cursor) => {
    const count = readLength(cursor, form);
    if (count < 0) {
      if (!isNullable) fail(cursor, "null where the field takes none");
      return null;
    }
    if (count * elementBytes > cursor.end - cursor.position || count > cursor.elementsLeft) {
      const left = cursor.end - cursor.position;
      fail(cursor, `array of ${count} with ${left} bytes and ${cursor.elementsLeft} elements left`);
      return [];
    }
    cursor.elementsLeft -= count;
    const values: unknown[] = [];
    for (let index = 0; index < count; index++) {
      values.push(read(cursor));
      if (cursor.failure !== null) {
        cursor.path = `[${index}]${cursor.path}`;
        break;
      }
    }
    return values;
  };
}

type FieldRead = { readonly name: string; readonly read: Read };

/**
 * Reads the fields of a struct in their order, and behind them, in flexible versions, the tagged ones. The reader of a struct is made as source: an object
 * written down with all its fields is built at once and has one hidden class, where setting fields by name took three times as long (bench/micro/codec.ts).
 */
export function compileStructRead(fields: Fields, at: WireVersion): Read {
  const source = startSource();
  const byTag = new Map<number, FieldRead>();
  const members: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const key = JSON.stringify(name);
    if (isCarried(field, at) && field.tag === undefined) {
      const local = `field${members.length}`;
      source.line(`const ${local} = ${source.use(compileRead(field, at))}(cursor);`);
      const leave = source.use(leaveAt);
      source.line(`if (cursor.failure !== null) return ${leave}(cursor, ${key});`);
      members.push(`${key}: ${local}`);
      continue;
    }
    const make = defaultOf(field);
    const constant = make();
    members.push(`${key}: ${isObject(constant) ? `${source.use(make)}()` : source.use(constant)}`);
    if (isCarried(field, at) && field.tag !== undefined) {
      byTag.set(field.tag, { name, read: compileRead(field, at) });
    }
  }
  source.line(`const value = { ${members.join(", ")} };`);
  if (at.isFlexible)
    source.line(`${source.use(readTaggedFields)}(cursor, ${source.use(byTag)}, value);`);
  source.line("return value;");
  return source.toFunction("cursor") as Read;
}

/** What was read so far is of no use. */
function leaveAt(cursor: ReadCursor, name: string): null {
  cursor.path = `.${name}${cursor.path}`;
  return null;
}

/** Unknown tags are skipped, as KIP-482 asks. */
function readTaggedFields(
  cursor: ReadCursor,
  byTag: ReadonlyMap<number, FieldRead>,
  value: Record<string, unknown>,
): void {
  const count = readUnsignedVarint(cursor);
  for (let index = 0; index < count && cursor.failure === null; index++) {
    const tag = readUnsignedVarint(cursor);
    const size = readUnsignedVarint(cursor);
    const end = cursor.position + size;
    if (end > cursor.end) {
      fail(
        cursor,
        `tagged field ${tag} of ${size} bytes with ${cursor.end - cursor.position} left`,
      );
      return;
    }
    const field = byTag.get(tag);
    if (field === undefined) {
      cursor.position = end;
      continue;
    }
    const outerEnd = cursor.end;
    cursor.end = end;
    value[field.name] = field.read(cursor);
    if (cursor.position !== end) fail(cursor, `tagged field of ${size} bytes is shorter inside`);
    cursor.end = outerEnd;
    if (cursor.failure !== null) {
      cursor.path = `.${field.name}${cursor.path}`;
    }
  }
}

/** The fewest bytes a value can take: what a count of elements is checked against before any is read. */
function smallestBytes(node: TypeNode, at: WireVersion): number {
  switch (node.kind) {
    case "string":
      return isCompact(node, at) ? 1 : 2;
    case "bytes":
    case "records":
    case "array":
      return isCompact(node, at) ? 1 : 4;
    case "struct": {
      if (isNullableIn(node, at)) return 1;
      let total = at.isFlexible ? 1 : 0;
      for (const field of Object.values(node.fields)) {
        if (isCarried(field, at) && field.tag === undefined) total += smallestBytes(field, at);
      }
      return total;
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
      return fixedSizes[node.kind];
  }
}
