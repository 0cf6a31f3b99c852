// Records travel as positional JSON arrays: compact, and a field added later sits at the end, so that a process which does not know it sees an
// array that is too long and stops instead of ignoring half of a decision.

export type FieldType<T> = {
  encode(value: T, level: number): unknown;
  decode(wire: unknown, level: number): T;
  /** First metadata level that writes this field; 1 when absent. */
  readonly since?: number;
  /** What the field means in entries written below `since`. */
  readonly absent?: T;
};

export type Fields = Readonly<Record<string, FieldType<unknown>>>;
export type InferFields<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends FieldType<infer T> ? T : never;
};

/** `unknown`: written by a newer version, this process must stop (architecture 3.2). `corrupt`: no version writes this. */
export class MetadataDecodeError extends Error {
  readonly code: "unknown" | "corrupt";
  constructor(code: "unknown" | "corrupt", message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "MetadataDecodeError";
    this.code = code;
  }
}

function corrupt(expected: string, wire: unknown): MetadataDecodeError {
  const shown = (JSON.stringify(wire) ?? "nothing").slice(0, 80);
  return new MetadataDecodeError(
    "corrupt",
    `metadata record: ${expected} expected, found ${shown}`,
  );
}

/** An entry that cannot be read back would stop every process of the cell for good: a bug must fail before it is appended. */
function written<T>(value: T, isWritable: boolean): T {
  if (isWritable) return value;
  throw new Error(`metadata record: ${String(value)} cannot be written`);
}

export const string: FieldType<string> = {
  encode: (value) => written(value, typeof value === "string"),
  decode(wire) {
    if (typeof wire !== "string") throw corrupt("a string", wire);
    return wire;
  },
};

export const int: FieldType<number> = {
  encode: (value) => written(value, Number.isSafeInteger(value)),
  decode(wire) {
    if (!Number.isSafeInteger(wire)) throw corrupt("an integer", wire);
    return wire as number;
  },
};

export const boolean: FieldType<boolean> = {
  encode: (value) => (value ? 1 : 0),
  decode(wire) {
    if (wire !== 0 && wire !== 1) throw corrupt("0 or 1", wire);
    return wire === 1;
  },
};

/** One of a closed list, by position. A position past the end is a value of a later version. */
export function oneOf<const Values extends readonly string[]>(
  values: Values,
): FieldType<Values[number]> {
  return {
    encode: (value) => values.indexOf(written(value, values.includes(value))),
    decode(wire) {
      if (!Number.isSafeInteger(wire)) throw corrupt(`one of ${values.join(", ")}`, wire);
      const value = values[wire as number];
      if (value !== undefined) return value;
      throw new MetadataDecodeError(
        "unknown",
        `unknown value ${String(wire)} after ${values.at(-1)}`,
      );
    },
  };
}

export function nullable<T>(type: FieldType<T>): FieldType<T | null> {
  return {
    encode: (value, level) => (value === null ? null : type.encode(value, level)),
    decode: (wire, level) => (wire === null ? null : type.decode(wire, level)),
  };
}

export function array<T>(type: FieldType<T>): FieldType<readonly T[]> {
  return {
    encode: (values, level) => values.map((value) => type.encode(value, level)),
    decode(wire, level) {
      if (!Array.isArray(wire)) throw corrupt("an array", wire);
      return wire.map((item) => type.decode(item, level));
    },
  };
}

/** Names with values, written in the order of the names so that equal maps have equal bytes. */
export const stringMap: FieldType<Readonly<Record<string, string>>> = {
  encode: (value) =>
    Object.keys(value)
      .sort()
      .map((name) => [name, string.encode(value[name] as string, 0)]),
  decode(wire) {
    if (!Array.isArray(wire)) throw corrupt("an array of pairs", wire);
    const pairs = wire.map((pair: unknown): [string, string] => {
      if (!Array.isArray(pair) || pair.length !== 2) throw corrupt("a pair", pair);
      return [string.decode(pair[0], 0), string.decode(pair[1], 0)];
    });
    return Object.fromEntries(pairs);
  },
};

export function struct<F extends Fields>(fields: F): FieldType<InferFields<F>> {
  const layouts: Layout[] = [];
  const at = (level: number): Layout => (layouts[level] ??= layoutAt(fields, level));
  return {
    encode: (value, level) => encodeLayout(at(level), value, level),
    decode(wire, level) {
      if (!Array.isArray(wire)) throw corrupt("an array of fields", wire);
      return decodeLayout(at(level), wire, level) as InferFields<F>;
    },
  };
}

/** What a level writes of a struct, worked out once: an election alone may bring ten thousand of the same. */
type Layout = {
  readonly names: readonly string[];
  readonly types: readonly FieldType<unknown>[];
  /** How many of them are written: a field that joined later is behind those before it. */
  readonly writtenCount: number;
};

function layoutAt(fields: Fields, level: number): Layout {
  const all = Object.entries(fields);
  const isWritten = all.map(([, type]) => (type.since ?? 1) <= level);
  const writtenCount = isWritten.filter(Boolean).length;
  if (isWritten.lastIndexOf(true) >= writtenCount)
    throw new Error("a field that joined later is not the last of its record");
  return {
    names: all.map(([name]) => name),
    types: all.map(([, type]) => type),
    writtenCount,
  };
}

/** A field that the level does not write must hold what its absence means: anything else would be forgotten without a word. */
function encodeLayout(
  { names, types, writtenCount }: Layout,
  value: object,
  level: number,
): unknown[] {
  const named = value as Readonly<Record<string, unknown>>;
  const wire: unknown[] = [];
  for (const [position, name] of names.entries()) {
    const type = types[position]!;
    if (position < writtenCount) wire.push(type.encode(named[name], level));
    else if (named[name] !== type.absent) {
      throw new Error(`metadata record: ${name} cannot be written at level ${level}`);
    }
  }
  return wire;
}

/** The same values in another shape in memory. */
export function mapped<Wire, T>(
  type: FieldType<Wire>,
  shape: { toWire(value: T): Wire; fromWire(wire: Wire): T },
): FieldType<T> {
  return {
    encode: (value, level) => type.encode(shape.toWire(value), level),
    decode: (wire, level) => shape.fromWire(type.decode(wire, level)),
  };
}

/** A field that joined at `level`; entries of lower levels mean `absent`. Always the last of its record. */
export function since<T>(level: number, type: FieldType<T>, absent: T): FieldType<T> {
  return { ...type, since: level, absent };
}

function decodeLayout(
  { names, types, writtenCount }: Layout,
  wire: readonly unknown[],
  level: number,
): Record<string, unknown> {
  if (wire.length > writtenCount) {
    throw new MetadataDecodeError(
      "unknown",
      `a record has ${wire.length} fields; this version knows ${writtenCount} at level ${level}`,
    );
  }
  if (wire.length < writtenCount) throw corrupt(`${writtenCount} fields`, wire);
  const value: Record<string, unknown> = {};
  for (let position = 0; position < names.length; position++) {
    const type = types[position]!;
    value[names[position]!] =
      position < writtenCount ? type.decode(wire[position], level) : type.absent;
  }
  return value;
}
