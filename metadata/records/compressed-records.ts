import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

import { MetadataDecodeError } from "./field-types.ts";
import { decodeRecord, encodeRecord } from "./table.ts";
import type { MetadataRecord } from "./table.ts";

// Records as JSON arrays, deflated: a mass failover names one topic id and thousands of nearly equal rows, and shrinks tenfold.

export function compressRecords(records: readonly MetadataRecord[], level: number): Uint8Array {
  return compressPart(records, { level, isFirst: true, isLast: true });
}

type Part = { readonly level: number; readonly isFirst: boolean; readonly isLast: boolean };

/** Of records that are compressed one part after the other: put together in their order the parts read as if it had been done at once. */
export function compressPart(
  records: readonly MetadataRecord[],
  { level, isFirst, isLast }: Part,
): Uint8Array {
  const items = JSON.stringify(records.map((record) => encodeRecord(record, level))).slice(1, -1);
  const text = `${isFirst ? "[" : ","}${items}${isLast ? "]" : ""}`;
  // A part that is not the last ends at a whole byte, and another may follow.
  const finishFlush = isLast ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
  return deflateRawSync(text, { level: 6, finishFlush });
}

export function expandRecords(
  bytes: Uint8Array,
  { level, maxBytes }: { level: number; maxBytes: number },
): MetadataRecord[] {
  let wire: unknown;
  try {
    wire = JSON.parse(inflateRawSync(bytes, { maxOutputLength: maxBytes }).toString("utf8"));
  } catch (cause) {
    throw new MetadataDecodeError("corrupt", "metadata records do not decompress", { cause });
  }
  if (!Array.isArray(wire)) throw new MetadataDecodeError("corrupt", "records are not an array");
  return wire.map((record: unknown) => decodeRecord(record, level));
}
