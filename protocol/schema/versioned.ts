import { decode, type DecodeOptions } from "./decode.ts";
import { DecodeError } from "./decode-error.ts";
import { encodeToBytes } from "./encode.ts";
import type { Message } from "./message.ts";

// Contents of records say themselves what they are, in an int16 before the message: the version of a value (and of consumer protocol metadata),
// the record type of a coordinator's key.

const prefixBytes = 2;

/** The message behind its version: values of internal topics, consumer protocol metadata, markers in control batches. */
export function encodeVersioned<D, E>(
  message: Message<D, E>,
  version: number,
  value: E,
): Uint8Array {
  return withPrefix(version, encodeToBytes(message, version, value));
}

export type Versioned<D> = { readonly version: number; readonly value: D };

/**
 * Reads what encodeVersioned wrote. A version above the newest known is a DecodeError, unless `newer` is "readAsNewest": consumer protocol
 * metadata only ever grows at its end, so that what is known of it can still be read.
 */
export function decodeVersioned<D, E>(
  message: Message<D, E>,
  bytes: Uint8Array,
  options?: { readonly newer?: "reject" | "readAsNewest" },
): Versioned<D> | DecodeError {
  const version = readPrefix(bytes);
  if (version instanceof DecodeError) return version;
  const [oldest, newest] = message.versions;
  const isNewer = version > newest && options?.newer === "readAsNewest";
  if (version < oldest || (version > newest && !isNewer)) {
    return new DecodeError(`version ${version} is not in ${oldest}-${newest}`, "version", 0);
  }
  const decodeOptions: DecodeOptions = {
    offset: prefixBytes,
    trailing: options?.newer === "readAsNewest" ? "ignore" : "reject",
  };
  const value = decode(message, isNewer ? newest : version, bytes, decodeOptions);
  return value instanceof DecodeError ? value : { version, value };
}

/** The key of a record in a coordinator's topic, behind its record type. */
export function encodeRecordKey<D, E>(message: Message<D, E>, value: E): Uint8Array {
  if (message.key === null) throw new RangeError("not the key of a record");
  return withPrefix(message.key, encodeToBytes(message, 0, value));
}

/** The record type a key begins with: what tells which table reads the rest. */
export function recordTypeOf(key: Uint8Array): number | DecodeError {
  return readPrefix(key);
}

/** Reads a key whose record type has been looked at. */
export function decodeRecordKey<D, E>(message: Message<D, E>, key: Uint8Array): D | DecodeError {
  return decode(message, 0, key, { offset: prefixBytes });
}

function withPrefix(prefix: number, bytes: Uint8Array): Uint8Array {
  const prefixed = new Uint8Array(prefixBytes + bytes.byteLength);
  prefixed[0] = prefix >> 8;
  prefixed[1] = prefix;
  prefixed.set(bytes, prefixBytes);
  return prefixed;
}

function readPrefix(bytes: Uint8Array): number | DecodeError {
  const [high, low] = bytes;
  if (high === undefined || low === undefined) {
    return new DecodeError("the input ends inside the value", "version", bytes.length);
  }
  return (((high << 8) | low) << 16) >> 16;
}
