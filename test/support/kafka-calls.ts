import { fetchRequest, fetchResponse } from "../../protocol/messages/fetch.ts";
import type { FetchResponse } from "../../protocol/messages/fetch.ts";
import { produceRequest, produceResponse } from "../../protocol/messages/produce.ts";
import type { ProduceResponse } from "../../protocol/messages/produce.ts";
import type { RawClient } from "./raw-client.ts";

/** Produce and Fetch of one partition, for tests that are about something else. */
export type Caller = Pick<RawClient, "call">;

export type ProducedPartition = ProduceResponse["responses"][number]["partitionResponses"][number];
export type FetchedPartition = FetchResponse["responses"][number]["partitions"][number];

export type ProduceOne = {
  topic: string;
  partition?: number;
  records: Uint8Array | null;
  acks?: number;
  timeoutMs?: number;
};

const produceVersion = 12;
const fetchVersion = 12;

export async function produceOne(
  caller: Caller,
  { topic, partition = 0, records, acks = -1, timeoutMs = 30_000 }: ProduceOne,
  version = produceVersion,
): Promise<ProducedPartition> {
  const answer = await caller.call(produceRequest, produceResponse, version, {
    acks,
    timeoutMs,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  });
  const produced = answer.responses[0]?.partitionResponses[0];
  if (produced === undefined) throw new Error("the answer has no partition");
  return produced;
}

export type FetchOne = {
  topic: string;
  partition?: number;
  offset: number;
  maxWaitMs?: number;
  minBytes?: number;
  isolationLevel?: number;
};

export async function fetchOne(
  caller: Caller,
  { topic, partition = 0, offset, maxWaitMs = 0, minBytes = 1, isolationLevel = 0 }: FetchOne,
): Promise<FetchedPartition> {
  const answer = await caller.call(fetchRequest, fetchResponse, fetchVersion, {
    maxWaitMs,
    minBytes,
    isolationLevel,
    topics: [
      { topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 1024 * 1024 }] },
    ],
    forgottenTopicsData: [],
  });
  const fetched = answer.responses[0]?.partitions[0];
  if (fetched === undefined) throw new Error("the answer has no partition");
  return fetched;
}
