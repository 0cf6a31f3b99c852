import { createNodeNetwork } from "../../adapters/node/network.ts";
import { fetchRequest, fetchResponse } from "../../protocol/messages/fetch.ts";
import { listOffsetsRequest, listOffsetsResponse } from "../../protocol/messages/list-offsets.ts";
import { offsetFetchRequest, offsetFetchResponse } from "../../protocol/messages/offset-fetch.ts";
import { batchFailureAt, batchSizeAt, isCrcValidAt } from "../../protocol/records/batch.ts";
import { decodeBatch } from "../../protocol/records/decode.ts";
import { connectRawClient, type RawClient } from "../../test/support/raw-client.ts";
import type { Place } from "./ledger.ts";

// What the checker itself asks the broker: what groups have committed, and at the end every record of every partition.

export async function connect(port: number): Promise<RawClient> {
  return connectRawClient(
    createNodeNetwork(),
    { host: "127.0.0.1", port },
    { clientId: "soak-checker" },
  );
}

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
export class OutOfRange extends Error {}

/** Every record from `start` to `end`, whose batches are checked on the way; throws OutOfRange if what it wants next is forgotten meanwhile. */
export async function* recordsOf(
  client: RawClient,
  {
    topic,
    partition,
    start,
    end,
  }: { topic: string; partition: number; start: number; end: number },
): AsyncGenerator<StoredRecord> {
  for (let next = start; next < end;) {
    const records = await fetchFrom(client, { topic, partition, offset: next });
    const from = next;
    for (const record of recordsIn(records, `${topic}:${partition}:${next}`)) {
      if (record.offset >= next && record.offset < end) yield record;
      next = Math.max(next, record.offset + 1);
    }
    if (next === from) throw new Error(`${topic}:${partition} shows nothing at ${from} of ${end}`);
  }
}

async function fetchFrom(
  client: RawClient,
  { topic, partition, offset }: Place,
): Promise<Uint8Array> {
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
  });
  const found = responses[0]?.partitions[0];
  if (found?.errorCode === outOfRange) throw new OutOfRange(`${topic}:${partition}:${offset}`);
  if (found?.errorCode !== 0)
    throw new Error(`fetching ${topic}:${partition}:${offset}: error ${found?.errorCode}`);
  return found.records instanceof Uint8Array ? found.records : new Uint8Array(0);
}

function* recordsIn(bytes: Uint8Array, where: string): Generator<StoredRecord> {
  for (let at = 0; at < bytes.length; at += batchSizeAt(bytes, at)) {
    const failure = batchFailureAt(bytes, at);
    if (failure?.reason === "truncated") return; // The last one may be cut off.
    if (failure !== null) throw new Error(`a batch at ${where}: ${failure.message}`);
    if (!isCrcValidAt(bytes, at)) throw new Error(`a batch at ${where} has another checksum`);
    const decoded = decodeBatch(bytes, at, 64 * 1024 * 1024);
    if (decoded.kind !== "decoded") throw new Error(`a batch at ${where}: ${decoded.message}`);
    for (const { offset, value } of decoded.records)
      yield { offset, value: Buffer.from(value ?? new Uint8Array(0)) };
  }
}

/** Null while the coordinator cannot say. */
export async function groupOffsets(client: RawClient, group: string): Promise<Place[] | null> {
  const { topics, errorCode } = await client.call(offsetFetchRequest, offsetFetchResponse, 7, {
    groupId: group,
    topics: null,
  });
  if (errorCode !== 0) return null;
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, committedOffset }) => ({
      topic: name,
      partition: partitionIndex,
      offset: committedOffset,
    })),
  );
}
