import type { BatchOptions } from "../../protocol/records/build.ts";
import { buildBatch } from "../../protocol/records/build.ts";
import { batchSizeAt, isControlAt } from "../../protocol/records/batch.ts";
import { decodeBatch } from "../../protocol/records/decode.ts";

export type RecordContent = {
  key?: string | null;
  value: string | null;
  timestamp?: number;
};

/** One batch; a record is its value, or key, value and timestamp. */
export function batchOf(
  records: readonly (string | RecordContent)[],
  { timestamp = 1_000, ...options }: BatchOptions & { timestamp?: number } = {},
): Uint8Array {
  return buildBatch(
    records.map((record) => {
      const {
        key = null,
        value,
        ...rest
      } = typeof record === "string" ? { value: record } : record;
      return {
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        timestamp: ("timestamp" in rest ? rest.timestamp : undefined) ?? timestamp,
      };
    }),
    options,
  );
}

export type ReadRecord = {
  offset: number;
  key: string | null;
  value: string | null;
  timestamp: number;
};

/** Every record of the batches in `bytes` that a consumer would show; throws if they are not whole. */
export function recordsIn(bytes: Uint8Array | null): ReadRecord[] {
  if (bytes === null) throw new Error("records are null");
  const found: ReadRecord[] = [];
  for (let at = 0; at < bytes.length; at += batchSizeAt(bytes, at)) {
    if (isControlAt(bytes, at)) continue;
    const decoded = decodeBatch(bytes, at, 64 * 1024 * 1024);
    if (decoded.kind !== "decoded") throw new Error(decoded.message);
    for (const { offset, key, value, timestamp } of decoded.records) {
      found.push({ offset, key: textOf(key), value: textOf(value), timestamp });
    }
  }
  return found;
}

export function valuesIn(bytes: Uint8Array | null): (string | null)[] {
  return recordsIn(bytes).map(({ value }) => value);
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString("utf8");
}
