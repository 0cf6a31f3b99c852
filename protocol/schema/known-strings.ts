// Requests name the same few topics, clients and groups over and over. A name seen lately is compared with the bytes and handed out again, which costs a fifth
// of decoding it, and its hash, which a look-up needs, is known. The table is small and of one size: names that meet in a place replace each other.

const places = 256;
const maxBytes = 64;
const strings: (string | undefined)[] = Array.from({ length: places });

const placeOf = (bytes: Uint8Array, at: number, length: number): number =>
  (length * 31 + bytes[at]! * 7 + bytes[at + (length >> 1)]! * 13 + bytes[at + length - 1]! * 17) &
  (places - 1);

/** The string these bytes say, if it was seen lately. */
export function knownString(bytes: Uint8Array, at: number, length: number): string | undefined {
  if (length === 0) return "";
  if (length > maxBytes) return undefined;
  const known = strings[placeOf(bytes, at, length)];
  if (known === undefined || known.length !== length) return undefined;
  for (let index = 0; index < length; index++) {
    if (known.charCodeAt(index) !== bytes[at + index]) return undefined;
  }
  return known;
}

/** Notes what the bytes at `at` were decoded to. ASCII only: there a character is a byte, so that comparing one by one is exact. */
export function rememberString(bytes: Uint8Array, at: number, text: string): void {
  const { length } = text;
  if (length === 0 || length > maxBytes) return;
  for (let index = 0; index < length; index++) {
    const byte = bytes[at + index]!;
    if (byte >= 0x80 || byte !== text.charCodeAt(index)) return;
  }
  strings[placeOf(bytes, at, length)] = text;
}
