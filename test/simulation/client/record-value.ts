// What simulated producers write. A record's value says who wrote it and as which one, and its filling is computed from that: so a reader knows a record
// for one that was sent, whole, or for one that never was.

const headerBytes = 8;
const magic = 0x5a;

export type RecordId = { readonly producer: number; readonly counter: number };

export function encodeValue({ producer, counter }: RecordId, fillBytes: number): Uint8Array {
  const bytes = new Uint8Array(headerBytes + fillBytes);
  bytes[0] = magic;
  bytes[1] = producer >>> 8;
  bytes[2] = producer & 0xff;
  bytes[3] = counter >>> 24;
  bytes[4] = (counter >>> 16) & 0xff;
  bytes[5] = (counter >>> 8) & 0xff;
  bytes[6] = counter & 0xff;
  bytes[7] = checkOf(bytes);
  bytes.fill(bytes[7], headerBytes);
  return bytes;
}

/** Null: nobody wrote this. */
export function decodeValue(bytes: Uint8Array | null): RecordId | null {
  if (bytes === null || bytes.length < headerBytes || bytes[0] !== magic) return null;
  const check = checkOf(bytes);
  if (bytes[7] !== check) return null;
  // The batch's own checksum covers the rest; both ends tell a slice of another record.
  if (bytes[bytes.length - 1] !== check) return null;
  return {
    producer: (bytes[1]! << 8) | bytes[2]!,
    counter: ((bytes[3]! << 24) | (bytes[4]! << 16) | (bytes[5]! << 8) | bytes[6]!) >>> 0,
  };
}

function checkOf(bytes: Uint8Array): number {
  let check = 0x9d;
  for (let at = 1; at < 7; at++) check = (Math.imul(check ^ bytes[at]!, 0x01000193) >>> 3) & 0xff;
  return check;
}
