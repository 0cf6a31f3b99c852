import { MyelinError } from "./errors.ts";

/** Turns values of a topic into bytes and back. `decode` throws to refuse; the consumer's `onInvalid` says what then happens. */
export type Codec<Value> = {
  encode(value: Value): Uint8Array;
  decode(bytes: Uint8Array): Value | Promise<Value>;
  /** What a message without a value (it deletes its key) decodes to; absent: such a message is refused. See `nullable`. */
  decodeNull?(): Value;
};

/** UTF-8 text. */
export const string: Codec<string> = {
  encode: (value) => Buffer.from(value, "utf8"),
  decode: (encoded) => textOf(encoded),
};

/** The bytes as they are. */
export const bytes: Codec<Uint8Array> = { encode: (value) => value, decode: (value) => value };

/** Lets messages without a value (they delete their key in a compacted topic) be read, as null. */
export function nullable<Value>(codec: Codec<Value>): Codec<Value | null> {
  return {
    encode(value) {
      if (value !== null) return codec.encode(value);
      throw new MyelinError("INVALID_VALUE", "null is sent as a message whose value is null");
    },
    decode: (encoded) => codec.decode(encoded),
    decodeNull: () => null,
  };
}

/** The part of the Standard Schema interface (standardschema.dev) that zod, valibot and others implement and this SDK calls. */
export type StandardSchema<Value> = {
  readonly "~standard": {
    readonly validate: (value: unknown) => SchemaResult<Value> | Promise<SchemaResult<Value>>;
  };
};

type SchemaResult<Value> =
  | { readonly value: Value; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly unknown[] | undefined;
      }[];
    };

/** JSON. With a schema every value read is checked and typed by it; without, the type is taken on trust. */
export function json<Value = unknown>(schema?: StandardSchema<Value>): Codec<Value> {
  return {
    encode: (value) => Buffer.from(JSON.stringify(value), "utf8"),
    decode(encoded) {
      const parsed = parseJson(textOf(encoded)) as Value;
      if (schema === undefined) return parsed;
      const result = schema["~standard"].validate(parsed);
      return result instanceof Promise ? result.then(valueOf) : valueOf(result);
    },
  };
}

function textOf(encoded: Uint8Array): string {
  return Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MyelinError("INVALID_VALUE", `The value is not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function valueOf<Value>(result: SchemaResult<Value>): Value {
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ message, path }) =>
    path === undefined ? message : `${path.map(segment).join(".")}: ${message}`,
  );
  throw new MyelinError(
    "INVALID_VALUE",
    `The value does not fit its schema: ${issues.slice(0, 5).join("; ")}`,
  );
}

function segment(part: unknown): string {
  const key = typeof part === "object" && part !== null && "key" in part ? part.key : part;
  return String(key);
}
