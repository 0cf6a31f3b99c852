import { type TypeNode, zeroUuid } from "./types.ts";

// What a field is where the wire says nothing about it: its declared default, else the zero of its type, as Kafka's generator has it. A nullable
// field without a declared default is empty, not null; only records are null where they may be.

const noBytes = new Uint8Array(0);

/** Makes the default afresh at each call where it is an object, so that nobody changes another's. */
export function defaultOf(node: TypeNode): () => unknown {
  const { defaultValue } = node;
  if (defaultValue !== undefined) return () => defaultValue;
  switch (node.kind) {
    case "bool":
      return () => false;
    case "string":
      return () => "";
    case "uuid":
      return () => zeroUuid;
    case "bytes":
      return () => noBytes;
    case "records":
      return () => (node.nullable === undefined ? noBytes : null);
    case "array":
      return () => [];
    case "struct": {
      const makers = Object.entries(node.fields).map(([name, field]) => ({
        name,
        make: defaultOf(field),
      }));
      const template = Object.fromEntries(makers.map(({ name, make }) => [name, make()]));
      const fresh = makers.filter(({ name }) => isObject(template[name]));
      return () => {
        const value = { ...template };
        for (const { name, make } of fresh) value[name] = make();
        return value;
      };
    }
    case "int8":
    case "int16":
    case "int32":
    case "int64":
    case "uint16":
    case "uint32":
    case "float64":
      return () => 0;
  }
}

/** Whether a default is an object others could change, as opposed to a value or the empty bytes, which nobody can. */
export function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array);
}

/** Tells whether a value is the default of its field, in which case a tagged field stays off the wire. */
export function isDefaultOf(node: TypeNode): (value: unknown) => boolean {
  const { defaultValue } = node;
  if (defaultValue !== undefined) return (value) => value === defaultValue;
  switch (node.kind) {
    case "bytes":
      return (value) => (value as { byteLength: number } | null)?.byteLength === 0;
    case "array":
      return (value) => (value as unknown[] | null)?.length === 0;
    case "struct": {
      const fields = Object.entries(node.fields).map(([name, field]) => ({
        name,
        isDefault: isDefaultOf(field),
      }));
      return (value) =>
        value !== null &&
        fields.every(({ name, isDefault }) => {
          const part = (value as Record<string, unknown>)[name];
          return part === undefined || isDefault(part);
        });
    }
    case "bool":
    case "string":
    case "uuid":
    case "records":
    case "int8":
    case "int16":
    case "int32":
    case "int64":
    case "uint16":
    case "uint32":
    case "float64": {
      const zero = defaultOf(node)();
      return (value) => value === zero;
    }
  }
}
