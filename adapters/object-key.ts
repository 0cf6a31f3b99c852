// Which keys every object store takes, so that what works on a laptop works on S3 and the other way round.
import { ObjectStoreError } from "../ports/object-store.ts";

/** S3's limit. */
const maxKeyBytes = 1024;

/** A file name of 255 bytes, less room for endings of ours. */
const maxFileNameBytes = 240;

const utf8 = new TextEncoder();

/** Throws ObjectStoreError `invalid` for a key that some store would refuse or that would lead out of a directory. */
export function assertObjectKey(key: string): void {
  const reason = keyFault(key);
  if (reason !== null) {
    throw new ObjectStoreError(
      "invalid",
      `the object key ${JSON.stringify(key.slice(0, 100))} ${reason}`,
    );
  }
}

function keyFault(key: string): string | null {
  if (key === "") return "is empty";
  if (!key.isWellFormed()) return "is not well-formed Unicode";
  if (utf8.encode(key).byteLength > maxKeyBytes) return `is over ${maxKeyBytes} bytes`;
  if (key.includes("\0")) return "has a NUL";
  for (const segment of key.split("/")) {
    if (segment === "") return "has an empty segment";
    if (segment === "." || segment === "..") return `has the segment "${segment}"`;
    if (encodeSegment(segment).length > maxFileNameBytes) return "has a segment that is too long";
  }
  return null;
}

/** The segment as a file name: letters, digits and - _ . = + @ , as they are, every other byte of its UTF-8 as %XX. */
export function encodeSegment(segment: string): string {
  let name = "";
  for (const byte of utf8.encode(segment)) {
    const character = String.fromCharCode(byte);
    name += /[-A-Za-z0-9_.=+@,]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return name;
}

/** The segment that a file name stands for, or null if it stands for none. */
export function decodeSegment(name: string): string | null {
  try {
    return decodeURIComponent(name);
  } catch {
    return null;
  }
}

/** Negative if `a` comes first in the order of UTF-8 bytes, which is that of S3 and not that of JavaScript beyond U+FFFF. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(utf8.encode(a), utf8.encode(b));
}
