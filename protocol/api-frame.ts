import { apiByKey, type Api } from "./api-table.ts";
import { type RequestHeader, requestHeader } from "./messages/request-header.ts";
import { responseHeader } from "./messages/response-header.ts";
import { int16At } from "./records/big-endian.ts";
import { compile } from "./schema/compile.ts";
import { decode, decodeAt } from "./schema/decode.ts";
import { DecodeError } from "./schema/decode-error.ts";
import { type Encoded, finish } from "./schema/encode.ts";
import type { Message } from "./schema/message.ts";
import { openWriteCursor, writeInt32, type WriteCursor } from "./schema/write-cursor.ts";

// A frame is an int32 size, a header and a message. Frames are read here without their size, which the connection has taken off, and written
// with it, in one go with the header.

const apiVersionsKey = 18;
const sizeBytes = 4;
/** Array elements in one request: a fetch or commit of 100,000 partitions fits, and hostile bytes cannot claim more than some 80 MB (measured). */
const maxRequestElements = 250_000;

type AnyMessage = Message<unknown, never>;

/** Request headers have tagged fields from the first flexible version of their API on (KIP-482). Version 0 served one request, now removed. */
export function requestHeaderVersion(request: AnyMessage, version: number): 1 | 2 {
  return isFlexible(request, version) ? 2 : 1;
}

/**
 * ApiVersions is answered with header version 0 whatever its own version: the client does not know yet what the broker speaks, and must be able
 * to read the answer (KIP-511).
 */
export function responseHeaderVersion(response: AnyMessage, version: number): 0 | 1 {
  return response.key !== apiVersionsKey && isFlexible(response, version) ? 1 : 0;
}

function isFlexible(message: AnyMessage, version: number): boolean {
  return message.flexible !== null && version >= message.flexible;
}

export type RequestHead = {
  readonly header: RequestHeader;
  /** Undefined if no such API exists; then the header is read as version 1, which all others begin with. */
  readonly api: Api | undefined;
  /** Where the body begins in the frame. */
  readonly bodyOffset: number;
};

/** Reads the header of the request in `frame[0, end)`. Versions beyond those known still have a header that can be read, which ApiVersions relies on. */
export function readRequestHead(
  frame: Uint8Array,
  end: number = frame.byteLength,
): RequestHead | DecodeError {
  // The form of the rest follows from the two fields that every form begins with.
  const api = end < 4 ? undefined : apiByKey(int16At(frame, 0));
  const version = api === undefined ? 1 : requestHeaderVersion(api.request, int16At(frame, 2));
  const read = decodeAt(requestHeader, version, frame, { end, trailing: "ignore" });
  if (read instanceof DecodeError) return read;
  return { header: read.value, api, bodyOffset: read.end };
}

/** Reads a request's body; that its version is one of `request.versions` has been checked. Bytes behind it are ignored, as by Kafka's brokers. */
export function readRequestBody<D, E>(
  request: Message<D, E>,
  head: RequestHead,
  frame: Uint8Array,
  end: number = frame.byteLength,
): D | DecodeError {
  return decode(request, head.header.requestApiVersion, frame, {
    offset: head.bodyOffset,
    end,
    trailing: "ignore",
    maxElements: maxRequestElements,
  });
}

/** A whole response frame, size included. */
export function writeResponseFrame<D, E>(
  response: Message<D, E>,
  version: number,
  correlationId: number,
  body: E,
): Encoded {
  const cursor = openFrame();
  const headerVersion = responseHeaderVersion(response, version);
  compile(responseHeader, headerVersion).write(cursor, { correlationId });
  compile(response, version).write(cursor, body);
  return closeFrame(cursor);
}

export type RequestOrigin = { readonly correlationId: number; readonly clientId: string | null };

/** A whole request frame, size included: for requests from broker to broker. */
export function writeRequestFrame<D, E>(
  request: Message<D, E>,
  version: number,
  origin: RequestOrigin,
  body: E,
): Encoded {
  if (request.key === null) throw new RangeError("not a request");
  const cursor = openFrame();
  compile(requestHeader, requestHeaderVersion(request, version)).write(cursor, {
    requestApiKey: request.key,
    requestApiVersion: version,
    ...origin,
  });
  compile(request, version).write(cursor, body);
  return closeFrame(cursor);
}

/** Reads the answer to a request of `version`; `frame` comes without its size. */
export function readResponse<D, E>(
  response: Message<D, E>,
  version: number,
  frame: Uint8Array,
): { correlationId: number; body: D } | DecodeError {
  const headerVersion = responseHeaderVersion(response, version);
  const head = decodeAt(responseHeader, headerVersion, frame, { trailing: "ignore" });
  if (head instanceof DecodeError) return head;
  const body = decode(response, version, frame, { offset: head.end });
  if (body instanceof DecodeError) return body;
  return { correlationId: head.value.correlationId, body };
}

function openFrame(): WriteCursor {
  const cursor = openWriteCursor();
  writeInt32(cursor, 0);
  return cursor;
}

function closeFrame(cursor: WriteCursor): Encoded {
  const size = cursor.position + cursor.splicedBytes - sizeBytes;
  if (size > 0x7fff_ffff) throw new RangeError(`frame of ${size} bytes`);
  cursor.view.setInt32(0, size);
  return finish(cursor);
}
