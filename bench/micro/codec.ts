import { fetchRequest, type FetchRequest } from "../../protocol/messages/fetch.ts";
import { fetchResponse, type FetchResponse } from "../../protocol/messages/fetch.ts";
import { type ProduceRequest, produceRequest } from "../../protocol/messages/produce.ts";
import { decode } from "../../protocol/schema/decode.ts";
import { DecodeError } from "../../protocol/schema/decode-error.ts";
import { encode, encodeToBytes } from "../../protocol/schema/encode.ts";
import type { Message } from "../../protocol/schema/message.ts";

// node bench/micro/codec.ts: microseconds per message, read and write, on one core. The median of nine rounds after a warm-up.

const topicId = "Z0aPeEQ1Q3mJ3m3Vx7yYKg";
const partitionIndexes = Array.from({ length: 10 }, (_, index) => index);

function run<D, E>(name: string, message: Message<D, E>, version: number, value: E): void {
  const bytes = encodeToBytes(message, version, value);
  const read = medianMicros(() => {
    if (decode(message, version, bytes) instanceof DecodeError) throw new Error(name);
  });
  const write = medianMicros(() => encode(message, version, value));
  console.log(
    `${name} v${version}, ${bytes.byteLength} B: read ${read.toFixed(2)} us, write ${write.toFixed(2)} us`,
  );
}

function medianMicros(work: () => void): number {
  const perRound = 20_000;
  const rounds: number[] = [];
  for (let round = 0; round < 12; round++) {
    const startedAt = performance.now();
    for (let index = 0; index < perRound; index++) work();
    rounds.push(((performance.now() - startedAt) * 1000) / perRound);
  }
  return rounds.slice(3).sort((a, b) => a - b)[4] ?? Number.NaN;
}

const fetch: Partial<FetchRequest> & Pick<FetchRequest, "maxWaitMs" | "minBytes" | "topics"> = {
  maxWaitMs: 500,
  minBytes: 1,
  rackId: "eu-central-1a",
  topics: [
    {
      topic: "",
      topicId,
      partitions: partitionIndexes.map((partition) => ({
        partition,
        currentLeaderEpoch: 7,
        fetchOffset: 123_456_789 + partition,
        lastFetchedEpoch: -1,
        logStartOffset: -1,
        partitionMaxBytes: 1_048_576,
        replicaDirectoryId: "AAAAAAAAAAAAAAAAAAAAAA",
        highWatermark: Number.MAX_SAFE_INTEGER,
      })),
    },
  ],
};
run("Fetch request, 10 partitions", fetchRequest, 13, fetch);

const noLeader = { leaderId: -1, leaderEpoch: -1 };
const fetched: Pick<FetchResponse, "responses"> = {
  responses: [
    {
      topic: "",
      topicId,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode: 0,
        highWatermark: 123_456_789,
        lastStableOffset: 123_456_789,
        logStartOffset: 0,
        divergingEpoch: { epoch: -1, endOffset: -1 },
        currentLeader: noLeader,
        snapshotId: { epoch: -1, endOffset: -1 },
        abortedTransactions: [],
        preferredReadReplica: -1,
        records: new Uint8Array(16_384),
      })),
    },
  ],
};
run("Fetch response, 10 partitions", fetchResponse, 13, fetched);

const produce: ProduceRequest = {
  transactionalId: null,
  acks: -1,
  timeoutMs: 30_000,
  topicData: [
    {
      name: "orders",
      topicId: "AAAAAAAAAAAAAAAAAAAAAA",
      partitionData: [{ index: 3, records: new Uint8Array(2_000) }],
    },
  ],
};
run("Produce request, 1 partition", produceRequest, 9, produce);
