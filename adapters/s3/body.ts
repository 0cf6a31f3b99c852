import { Readable } from "node:stream";

/** Larger bodies go to the socket piece by piece: TLS encrypts what it is given in one go, and the event loop is a broker's. */
const pieceBytes = 256 * 1024;

/** To be read once, so each attempt takes its own. */
export function bodyOf(
  bytes: Uint8Array,
  checksum: string,
): { Body: Uint8Array | Readable; ContentLength: number; ChecksumCRC32: string } {
  const Body = bytes.byteLength <= pieceBytes ? bytes : Readable.from(piecesOf(bytes));
  return { Body, ContentLength: bytes.byteLength, ChecksumCRC32: checksum };
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += pieceBytes) {
    yield bytes.subarray(offset, offset + pieceBytes);
  }
}
