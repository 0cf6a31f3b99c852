import { decodeValue, encodeValue, type RecordId } from "./record-value.ts";

// Keys of what simulated producers write to compacted topics. Which key a record has, and whether it deletes that, follows from who wrote it and as which one: so
// whoever knows of a record knows its key. One without a value says in a header who wrote it.

/** Of every so many records one is a tombstone. */
const tombstoneEvery = 6;
const idHeader = "id";

function hashOf({ producer, counter }: RecordId): number {
  let hash = Math.imul(producer + 1, 0x9e3779b9) ^ Math.imul(counter + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

export const keyOf = (record: RecordId, keyCount: number): number => hashOf(record) % keyCount;

export const isTombstone = (record: RecordId): boolean =>
  Math.floor(hashOf(record) / 2 ** 16) % tombstoneEvery === 0;

/** Key, value and headers of a record of a compacted topic. */
export function keyedRecord(
  record: RecordId,
  { keyCount, fillBytes }: { readonly keyCount: number; readonly fillBytes: number },
) {
  const key = Buffer.from(`key-${keyOf(record, keyCount)}`);
  if (!isTombstone(record)) return { key, value: encodeValue(record, fillBytes) };
  return { key, value: null, headers: [{ key: idHeader, value: encodeValue(record, 0) }] };
}

type ReadRecord = {
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
};

/** Who wrote it; null: nobody. */
export function idOf({ value, headers }: ReadRecord): RecordId | null {
  if (value !== null) return decodeValue(value);
  return decodeValue(headers.find(({ key }) => key === idHeader)?.value ?? null);
}
