import { deflateRawSync, inflateRawSync } from "node:zlib";

import { MetadataDecodeError } from "./field-types.ts";
import { decodeRecord, encodeRecord } from "./table.ts";
import type { MetadataRecord } from "./table.ts";

// Records as JSON arrays, deflated: a mass failover names one topic id and thousands of nearly equal rows, and shrinks tenfold.

export function compressRecords(records: readonly MetadataRecord[], level: number): Uint8Array {
  return deflateRawSync(JSON.stringify(records.map((record) => encodeRecord(record, level))), {
    level: 6,
  });
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
