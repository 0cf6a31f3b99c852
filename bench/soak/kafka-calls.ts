import { fetchRequest, fetchResponse } from "../../protocol/messages/fetch.ts";
import { listOffsetsRequest, listOffsetsResponse } from "../../protocol/messages/list-offsets.ts";
import { offsetFetchRequest, offsetFetchResponse } from "../../protocol/messages/offset-fetch.ts";
import { batchFailureAt, batchSizeAt, isCrcValidAt } from "../../protocol/records/batch.ts";
import { decodeBatch } from "../../protocol/records/decode.ts";
import type { RawClient } from "../../test/support/raw-client.ts";
import { FinalAnswer } from "../cell/cluster-client.ts";
import type { Place } from "./ledger.ts";

// What the checker itself asks brokers: what groups have committed, and at the end every record of every partition.

export type StoredRecord = { readonly offset: number; readonly value: Buffer };

const listEarliest = -2;
const listLatest = -1;
const outOfRange = 1;

export async function boundsOf(
  client: RawClient,
  topic: string,
  partition: number,
): Promise<{ start: number; end: number }> {
  const ask = async (timestamp: number): Promise<number> => {
    const { topics } = await client.call(listOffsetsRequest, listOffsetsResponse, 7, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }],
    });
    const found = topics[0]?.partitions[0];
    if (found?.errorCode !== 0 || found.offset === undefined)
      throw new Error(`the bounds of ${topic}:${partition}: error ${found?.errorCode}`);
    return found.offset;
  };
  return { start: await ask(listEarliest), end: await ask(listLatest) };
}

/** Its log start has moved past what was asked for. */
export class OutOfRange extends FinalAnswer {}

/** What is stored is not what may be stored. */
class CorruptLog extends FinalAnswer {}

/** Records from an offset on, as many as one answer holds, whose batches are checked on the way; throws OutOfRange if what it wants is forgotten. */
export async function recordsFrom(
  client: RawClient,
  { topic, partition, offset }: Place,
  { isFollower = false }: { isFollower?: boolean } = {},
): Promise<StoredRecord[]> {
  const { responses } = await client.call(fetchRequest, fetchResponse, 12, {
    maxWaitMs: 1_000,
    minBytes: 1,
    isolationLevel: 0,
    topics: [
      {
        topic,
        partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 4 * 1024 * 1024 }],
      },
    ],
    forgottenTopicsData: [],
    // Whoever says where it is may read from a follower (KIP-392).
    rackId: isFollower ? "anywhere" : "",
  });
  const found = responses[0]?.partitions[0];
  const where = `${topic}:${partition}:${offset}`;
  if (found?.errorCode === outOfRange) throw new OutOfRange(where);
  if (found?.errorCode !== 0) throw new Error(`fetching ${where}: error ${found?.errorCode}`);
  if (!(found.records instanceof Uint8Array)) return [];
  return [...recordsIn(found.records, where)].filter((record) => record.offset >= offset);
}

function* recordsIn(bytes: Uint8Array, where: string): Generator<StoredRecord> {
  for (let at = 0; at < bytes.length; at += batchSizeAt(bytes, at)) {
    const failure = batchFailureAt(bytes, at);
    if (failure?.reason === "truncated") return; // The last one may be cut off.
    if (failure !== null) throw new CorruptLog(`a batch at ${where}: ${failure.message}`);
    if (!isCrcValidAt(bytes, at)) throw new CorruptLog(`a batch at ${where} has another checksum`);
    const decoded = decodeBatch(bytes, at, 64 * 1024 * 1024);
    if (decoded.kind !== "decoded") throw new CorruptLog(`a batch at ${where}: ${decoded.message}`);
    for (const { offset, value } of decoded.records)
      yield { offset, value: Buffer.from(value ?? new Uint8Array(0)) };
  }
}

export async function groupOffsets(client: RawClient, group: string): Promise<Place[]> {
  const { topics, errorCode } = await client.call(offsetFetchRequest, offsetFetchResponse, 7, {
    groupId: group,
    topics: null,
  });
  if (errorCode !== 0) throw new Error(`the offsets of ${group}: error ${errorCode}`);
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, committedOffset }) => ({
      topic: name,
      partition: partitionIndex,
      offset: committedOffset,
    })),
  );
}
