import { errorCodes } from "../../protocol/errors.ts";
import { extend } from "../../protocol/extension-fields.ts";
import type { FetchRequest, FetchResponse } from "../../protocol/messages/fetch.ts";
import { fetchRequest as kafkaRequest } from "../../protocol/messages/fetch.ts";
import { bool, tagged, withDefault } from "../../protocol/schema/types.ts";
import { metadataTopic } from "./metadata-topic.ts";

// How brokers hear of the metadata log (architecture 5): as in KRaft, a broker keeps a Fetch of the metadata topic with the controller. What comes back is
// how far the log reaches, not its entries: those have one source, the log itself, and whoever reads it there needs to trust nobody.

export const metadataFetchVersion = 18;

export const metadataFetchRequest = extend(kafkaRequest, {
  /** Answer when every broker in service has what this one has, not when there is more. */
  awaitsAll: tagged(10_000, 12, withDefault(bool, false)),
});

export type MetadataFetch = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** What the broker has replayed. */
  readonly revision: number;
  readonly awaitsAll: boolean;
  readonly maxWaitMs: number;
};

export function metadataFetchToWire(fetch: MetadataFetch) {
  return {
    replicaState: { replicaId: fetch.brokerId, replicaEpoch: fetch.brokerEpoch },
    maxWaitMs: fetch.maxWaitMs,
    minBytes: 1,
    topics: [
      {
        topicId: metadataTopic.topicId,
        partitions: [{ partition: 0, fetchOffset: fetch.revision + 1, partitionMaxBytes: 0 }],
      },
    ],
    forgottenTopicsData: [],
    awaitsAll: fetch.awaitsAll,
  };
}

/** Null where the request is for records, as any other. */
export function metadataFetchFromWire(
  request: FetchRequest & { readonly awaitsAll: boolean },
): MetadataFetch | null {
  const [topic] = request.topics;
  if (topic?.topicId !== metadataTopic.topicId || request.replicaState.replicaId < 0) return null;
  const [partition] = topic.partitions;
  if (partition === undefined) return null;
  const { replicaId: brokerId, replicaEpoch: brokerEpoch } = request.replicaState;
  return {
    brokerId,
    brokerEpoch,
    revision: partition.fetchOffset - 1,
    awaitsAll: request.awaitsAll,
    maxWaitMs: Math.max(0, request.maxWaitMs),
  };
}

/** `null`: the broker asked is not the controller. `isWithAll`: every broker in service has what was asked about. */
export type MetadataFetchAnswer = { readonly revision: number; readonly isWithAll: boolean } | null;

export function metadataAnswerToWire(answer: MetadataFetchAnswer) {
  const partition = {
    partitionIndex: 0,
    errorCode: answer === null ? errorCodes.NOT_LEADER_OR_FOLLOWER : errorCodes.NONE,
    highWatermark: answer?.revision ?? -1,
    lastStableOffset: answer?.isWithAll === true ? answer.revision : -1,
    logStartOffset: -1,
    abortedTransactions: null,
    records: new Uint8Array(0),
  };
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    sessionId: 0,
    responses: [{ topicId: metadataTopic.topicId, partitions: [partition] }],
  };
}

export function metadataAnswerFromWire({ responses }: FetchResponse): MetadataFetchAnswer {
  const partition = responses[0]?.partitions[0];
  if (partition === undefined || partition.errorCode !== errorCodes.NONE) return null;
  const { highWatermark: revision, lastStableOffset } = partition;
  return { revision, isWithAll: lastStableOffset >= 0 };
}
