import type { KafkaRecord, RecordsBatch } from "@platformatic/kafka";
import type { FetchedRecord } from "./fetched-record.ts";

/** Attribute bit of batches that hold transaction markers instead of messages. */
const controlBit = 0x20;

/** The messages of a partition's batches from `fromOffset` on, and where the next fetch goes on. */
export function readBatches(
  place: { topic: string; partition: number },
  batches: readonly RecordsBatch[],
  fromOffset: number,
): { records: FetchedRecord[]; nextOffset: number; sizeBytes: number } {
  const records: FetchedRecord[] = [];
  let nextOffset = fromOffset;
  let sizeBytes = 0;
  for (const batch of batches) {
    const firstOffset = Number(batch.firstOffset);
    nextOffset = Math.max(nextOffset, firstOffset + batch.lastOffsetDelta + 1);
    if ((batch.attributes & controlBit) !== 0) continue;
    for (const record of batch.records) {
      const offset = firstOffset + record.offsetDelta;
      // A batch is sent whole, also to those who ask for its middle.
      if (offset < fromOffset) continue;
      sizeBytes += sizeOf(record);
      records.push(fetched(place, batch, record));
    }
  }
  return { records, nextOffset, sizeBytes };
}

/** What an object of this shape costs beside its bytes, about. */
const objectBytes = 200;

function sizeOf({ key, value }: KafkaRecord): number {
  return objectBytes + (key?.length ?? 0) + (value?.length ?? 0);
}

const noHeaders: readonly (readonly [string, Uint8Array])[] = [];

function fetched(
  { topic, partition }: { topic: string; partition: number },
  batch: RecordsBatch,
  record: KafkaRecord,
): FetchedRecord {
  return {
    topic,
    partition,
    offset: Number(batch.firstOffset) + record.offsetDelta,
    leaderEpoch: batch.partitionLeaderEpoch,
    timestampMs: Number(batch.firstTimestamp + record.timestampDelta),
    key: record.key,
    value: record.value,
    headers:
      record.headers.length === 0
        ? noHeaders
        : record.headers.map(
            ([name, value]) => [name?.toString("utf8") ?? "", value ?? Buffer.alloc(0)] as const,
          ),
  };
}
