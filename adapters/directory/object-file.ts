// An object's file: its bytes, then a trailer with its ETag, so that bytes and ETag change in one rename and a range needs no reading of the rest.
import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { ObjectStoreError } from "../../ports/object-store.ts";

/** Ends every trailer. The last byte is the version of the file's form. */
const magic = Buffer.from("MyelObj\u0001", "latin1");
const etagBytes = 16;

export const trailerBytes = etagBytes + magic.byteLength;

export type ObjectHead = { etag: string; sizeBytes: number };

/** Writes a flushed file of that name, which must not exist, and returns its ETag: random, so that no two puts ever share one. */
export async function writeObjectFile(file: string, bytes: Uint8Array): Promise<string> {
  const etag = randomBytes(etagBytes);
  const handle = await open(file, "wx");
  try {
    await handle.writeFile(bytes);
    await handle.writeFile(Buffer.concat([etag, magic]));
    await handle.sync();
  } finally {
    await handle.close();
  }
  return quoted(etag);
}

export async function readHead(handle: FileHandle): Promise<ObjectHead> {
  const { size } = await handle.stat();
  const sizeBytes = size - trailerBytes;
  const trailer = Buffer.alloc(trailerBytes);
  if (sizeBytes >= 0) await handle.read(trailer, 0, trailerBytes, sizeBytes);
  if (!trailer.subarray(etagBytes).equals(magic)) {
    throw new ObjectStoreError("unavailable", "an object's file is damaged: it has no trailer");
  }
  return { etag: quoted(trailer.subarray(0, etagBytes)), sizeBytes };
}

export async function readRange(
  handle: FileHandle,
  start: number,
  end: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  let count = 0;
  while (count < bytes.byteLength) {
    const { bytesRead } = await handle.read(bytes, count, bytes.byteLength - count, start + count);
    if (bytesRead === 0) {
      throw new ObjectStoreError("unavailable", "an object's file ended before its size");
    }
    count += bytesRead;
  }
  return bytes;
}

function quoted(etag: Uint8Array): string {
  return `"${Buffer.from(etag).toString("hex")}"`;
}
