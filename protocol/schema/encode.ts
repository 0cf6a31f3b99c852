import type { ExternalBytes } from "../external-bytes.ts";
import { compile } from "./compile.ts";
import type { Message } from "./message.ts";
import { closeWriteCursor, openWriteCursor, type WriteCursor } from "./write-cursor.ts";

/** An encoded message: its parts in order. Parts other than the encoder's own are the caller's memory and must not change until sent. */
export type Encoded = {
  readonly parts: readonly (Uint8Array | ExternalBytes)[];
  readonly byteLength: number;
};

export function encode<D, E>(message: Message<D, E>, version: number, value: E): Encoded {
  const cursor = openWriteCursor();
  compile(message, version).write(cursor, value);
  return finish(cursor);
}

/** Encodes into one buffer of its own, for bytes that are kept: records, not frames. Log ranges cannot be copied here. */
export function encodeToBytes<D, E>(message: Message<D, E>, version: number, value: E): Uint8Array {
  return joinParts(encode(message, version, value));
}

/** What a cursor holds, spliced together. The cursor is done with. */
export function finish(cursor: WriteCursor): Encoded {
  const { splices } = cursor;
  const byteLength = cursor.position + cursor.splicedBytes;
  const own = closeWriteCursor(cursor);
  if (splices.length === 0) return { parts: [own], byteLength };
  const parts: (Uint8Array | ExternalBytes)[] = [];
  let from = 0;
  for (const { at, piece } of splices) {
    if (at > from) parts.push(own.subarray(from, at));
    parts.push(piece);
    from = at;
  }
  if (own.length > from) parts.push(own.subarray(from));
  return { parts, byteLength };
}

function joinParts(encoded: Encoded): Uint8Array {
  const joined = new Uint8Array(encoded.byteLength);
  let at = 0;
  for (const part of encoded.parts) {
    if (!(part instanceof Uint8Array)) throw new RangeError("external bytes have no bytes here");
    joined.set(part, at);
    at += part.byteLength;
  }
  return joined;
}
