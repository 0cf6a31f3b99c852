import { assert } from "../assert.ts";
import {
  maxVarintBytes,
  maxVarlongBytes,
  putVarint,
  putVarlong,
  varintAt,
  varintBytes,
  varintEnd,
  varlongAt,
  varlongBytes,
} from "../../protocol/records/varint.ts";

/** The records in `records`, which a walk has found whole, with `shift` added to each timestamp delta: their base timestamp is smaller by it. */
export function withBaseTimestamp(records: Uint8Array, shift: number): Uint8Array {
  let size = 0;
  for (let at = 0; at < records.length;) {
    const record = readRecord(records, at, shift);
    size += varintBytes(record.bodyBytes) + record.bodyBytes;
    at = record.end;
  }
  const bytes = new Uint8Array(size);
  let to = 0;
  for (let at = 0; at < records.length;) {
    const record = readRecord(records, at, shift);
    to = putVarint(bytes, to, record.bodyBytes);
    bytes[to++] = records[record.bodyAt]!;
    to = putVarlong(bytes, to, record.timestampDelta);
    bytes.set(records.subarray(record.restAt, record.end), to);
    to += record.end - record.restAt;
    at = record.end;
  }
  assert(to === size, "every byte that was allocated is written");
  return bytes;
}

type Rebased = {
  /** Where its attributes are. */
  readonly bodyAt: number;
  /** Where its offset delta is, from which on nothing changes. */
  readonly restAt: number;
  readonly end: number;
  readonly timestampDelta: number;
  /** Its length with the new delta. */
  readonly bodyBytes: number;
};

const readRecord = (records: Uint8Array, at: number, shift: number): Rebased => {
  const bodyAt = varintEnd(records, at, records.length, maxVarintBytes);
  const end = bodyAt + varintAt(records, at);
  const restAt = varintEnd(records, bodyAt + 1, end, maxVarlongBytes);
  const timestampDelta = varlongAt(records, bodyAt + 1, restAt) + shift;
  const bodyBytes = 1 + varlongBytes(timestampDelta) + (end - restAt);
  return { bodyAt, restAt, end, timestampDelta, bodyBytes };
};
