import { compile } from "./compile.ts";
import { DecodeError } from "./decode-error.ts";
import type { Message } from "./message.ts";
import { closeReadCursor, fail, openReadCursor } from "./read-cursor.ts";

export type DecodeOptions = {
  /** Where the message starts; 0 by default. */
  readonly offset?: number;
  /** Where what may be read of `bytes` ends; their end by default. */
  readonly end?: number;
  /**
   * What bytes behind the message mean. "reject" (the default): the input is corrupt. "ignore": a later version may have put them there, as
   * with consumer protocol metadata; Kafka's brokers also ignore them behind requests.
   */
  readonly trailing?: "reject" | "ignore";
  /** Array elements in the whole message, which bounds the memory hostile bytes can claim. */
  readonly maxElements?: number;
};

/** Room for an answer about every partition of a large cell; an element takes one to three hundred bytes of memory once decoded. */
const defaultMaxElements = 1_000_000;

/** Reads one message. Bytes that are no such message give a DecodeError: the only way bad input shows. */
export function decode<D, E>(
  message: Message<D, E>,
  version: number,
  bytes: Uint8Array,
  options?: DecodeOptions,
): D | DecodeError {
  const decoded = decodeAt(message, version, bytes, options);
  return decoded instanceof DecodeError ? decoded : decoded.value;
}

/** The same, telling where the message ended. */
export function decodeAt<D, E>(
  message: Message<D, E>,
  version: number,
  bytes: Uint8Array,
  options?: DecodeOptions,
): { value: D; end: number } | DecodeError {
  const maxElements = options?.maxElements ?? defaultMaxElements;
  const range = { offset: options?.offset ?? 0, end: options?.end ?? bytes.byteLength };
  const cursor = openReadCursor(bytes, range, maxElements);
  const value = compile(message, version).read(cursor);
  const end = cursor.position;
  if (cursor.failure === null && end < cursor.end && options?.trailing !== "ignore") {
    fail(cursor, `${cursor.end - end} bytes behind the message`);
  }
  const { failure, path, failedAt } = cursor;
  closeReadCursor(cursor);
  return failure === null ? { value, end } : new DecodeError(failure, path.slice(1), failedAt);
}
