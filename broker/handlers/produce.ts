import { refusesRecords } from "../../metadata/image/seals.ts";
import type { ErrorName } from "../../protocol/errors.ts";
import { errorCodes } from "../../protocol/errors.ts";
import type { ProduceRequest } from "../../protocol/messages/produce.ts";
import { produceRequest, produceResponse } from "../../protocol/messages/produce.ts";
import type { Encodable } from "../../protocol/schema/message.ts";
import type { AppendOutcome } from "../replication/append-batch.ts";
import { appendBatch } from "../replication/append-batch.ts";
import { whenCommitted, whenWritten } from "../replication/partition.ts";
import type { LocalTopic } from "../replication/topic-table.ts";
import type { BrokerServices } from "../services.ts";
import { currentLeader, leaderEndpoints } from "./leader-hint.ts";
import type { RequestContext } from "./kafka-api.ts";
import { closeConnection, kafkaApi, noResponse } from "./kafka-api.ts";
import { lookForUnknown } from "./submit.ts";

type Context = RequestContext<BrokerServices>;
type Response = Encodable<typeof produceResponse>;

/** One partition of the request with what became of it; in the request's order. */
type Item = {
  readonly topic: LocalTopic | undefined;
  readonly index: number;
  readonly records: Uint8Array | null;
  outcome: AppendOutcome;
};

// v3: record batches (v0-2 carry the old message sets and are refused: see api-versions.ts). v5: log start offset. v7: zstd. v8: record errors
// (KIP-467). v10: leader hints (KIP-951). v13: topic ids (KIP-516).
export const produce = kafkaApi(
  produceRequest,
  produceResponse,
  { versions: [3, 13], advertised: [0, 13], refuse: refuseAll },
  async (request, context: Context) => {
    const { services, apiVersion, clusterId } = context;
    const areKnown = request.topicData.every((each) => findTopic(each, context) !== undefined);
    // A topic made over HTTP a moment ago: the log's head knows it.
    if (!areKnown) await lookForUnknown(services);
    const items = itemsOf(request, context);
    const waiting = services.gate.run(
      items.length,
      (at) => neededBytes(items[at], services),
      (at) => {
        const item = items[at];
        if (item !== undefined) item.outcome = append(item, request, context);
      },
    );
    if (waiting !== undefined) await waiting;
    // The ring has the records; the wait for their commit does not hold the frame.
    context.releaseFrame();
    if (request.acks === 0) {
      // No answer is expected; a closed connection is how the producer learns that it must ask for metadata anew.
      return items.every(({ outcome }) => outcome.kind === "appended")
        ? noResponse
        : closeConnection;
    }
    await settled(items, request, services);
    return shape(request, items, { clusterId, services, apiVersion });
  },
);

/** v0-2 are advertised for librdkafka's sake (api-versions.ts) and refused partition by partition, in their own shape. */
function refuseAll(request: ProduceRequest, error: ErrorName): Response {
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({
        index,
        errorCode: errorCodes[error],
        baseOffset: -1,
        recordErrors: [],
      })),
    })),
    throttleTimeMs: 0,
  };
}

/** Room that must be there before an item is appended. What the log never takes needs none: it is refused, not waited for. */
function neededBytes(item: Item | undefined, { store }: BrokerServices): number {
  const size = item?.records?.length ?? 0;
  return size > store.maxBatchBytes ? 0 : size;
}

const notAppended: AppendOutcome = {
  kind: "refused",
  error: "UNKNOWN_SERVER_ERROR",
  message: null,
  recordErrors: [],
};

function findTopic(
  asked: { name: string; topicId: string },
  { services, clusterId, apiVersion }: Context,
): LocalTopic | undefined {
  return apiVersion >= 13
    ? services.topics.byId(clusterId, asked.topicId)
    : services.topics.byName(clusterId, asked.name);
}

function itemsOf(request: ProduceRequest, context: Context): Item[] {
  const items: Item[] = [];
  for (const asked of request.topicData) {
    const topic = findTopic(asked, context);
    for (const { index, records } of asked.partitionData) {
      items.push({ topic, index, records, outcome: notAppended });
    }
  }
  return items;
}

function append(
  { topic, index, records }: Item,
  request: ProduceRequest,
  { services, apiVersion }: Context,
): AppendOutcome {
  if (topic === undefined)
    return refuse(apiVersion >= 13 ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION");
  if (topic.topic.partitions[index] === undefined) return refuse("UNKNOWN_TOPIC_OR_PARTITION");
  if (refusesRecords(services.metadata.image, topic.topic.partitions[index])) return asleep;
  if (request.acks < -1 || request.acks > 1) return refuse("INVALID_REQUIRED_ACKS");
  // acks=all is safe by itself: whoever was replaced finds nobody to write it with.
  if (request.acks !== -1 && !services.cell.serving.acks1) return notLeaderAnyMore;
  return appendBatch(topic.partitions[index], {
    records,
    rules: topic.rules,
    durability: topic.settings.durability,
    asksForMinIsr: request.acks === -1,
    produceVersion: apiVersion,
    nowMs: services.clock.nowMs(),
    maxBatchBytes: services.store.maxBatchBytes,
  });
}

/** Resolves when every appended batch is committed (acks all) or written here (acks 1), was given up, or the request's time is over. */
function settled(
  items: readonly Item[],
  request: ProduceRequest,
  { clock }: BrokerServices,
): Promise<void> | undefined {
  let waitingCount = 0;
  for (const { outcome } of items) if (outcome.kind === "appended") waitingCount++;
  if (waitingCount === 0) return undefined;
  return new Promise((resolve) => {
    let isOver = false;
    const finish = (): void => {
      isOver = true;
      cancelTimeout();
      resolve();
    };
    const pending = items.map(({ outcome }) => outcome.kind === "appended");
    const cancelTimeout = clock.after(Math.max(0, request.timeoutMs), () => {
      for (const [at, item] of items.entries()) if (pending[at] === true) item.outcome = timedOut;
      finish();
    });
    const wait = request.acks === -1 ? whenCommitted : whenWritten;
    for (const [at, item] of items.entries()) {
      const partition = item.topic?.partitions[item.index];
      if (partition === undefined || item.outcome.kind !== "appended") continue;
      wait(partition, item.outcome, (isDone) => {
        if (isOver) return;
        pending[at] = false;
        if (!isDone) item.outcome = notLeaderAnyMore;
        if (--waitingCount === 0) finish();
      });
    }
  });
}

const timedOut: AppendOutcome = {
  kind: "refused",
  error: "REQUEST_TIMED_OUT",
  message: null,
  recordErrors: [],
};

/** Retriable, refused before anything is written, and no reason to ask for metadata anew. */
const asleep: AppendOutcome = {
  kind: "refused",
  error: "NOT_ENOUGH_REPLICAS",
  message: "the cell sleeps, or has not quite woken yet",
  recordErrors: [],
};

const notLeaderAnyMore: AppendOutcome = {
  kind: "refused",
  error: "NOT_LEADER_OR_FOLLOWER",
  message: null,
  recordErrors: [],
};

const refuse = (
  error: "UNKNOWN_TOPIC_OR_PARTITION" | "UNKNOWN_TOPIC_ID" | "INVALID_REQUIRED_ACKS",
): AppendOutcome => ({ kind: "refused", error, message: null, recordErrors: [] });

type Shape = { clusterId: string; services: BrokerServices; apiVersion: number };

function shape(
  request: ProduceRequest,
  items: readonly Item[],
  { clusterId, services, apiVersion }: Shape,
): Response {
  let next = 0;
  const hinted: number[] = [];
  const responses = request.topicData.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }) => {
      const item = items[next++];
      if (item === undefined) throw new Error("every partition of a request has an item");
      const { outcome } = item;
      if (outcome.kind === "appended") {
        const logStartOffset = item.topic?.partitions[index]?.log.logStartOffset ?? -1;
        const { baseOffset, logAppendTimeMs } = outcome;
        return {
          index,
          errorCode: errorCodes.NONE,
          baseOffset,
          logAppendTimeMs,
          logStartOffset,
          recordErrors: [],
        };
      }
      const leader =
        outcome.error === "NOT_LEADER_OR_FOLLOWER" && apiVersion >= 10
          ? currentLeader(item.topic, index)
          : null;
      if (leader !== null) hinted.push(leader.leaderId);
      return {
        index,
        errorCode: errorCodes[outcome.error],
        baseOffset: -1,
        logAppendTimeMs: -1,
        logStartOffset: -1,
        recordErrors: outcome.recordErrors.map(({ batchIndex, message }) => ({
          batchIndex,
          batchIndexErrorMessage: message,
        })),
        errorMessage: outcome.message,
        ...(leader === null ? {} : { currentLeader: leader }),
      };
    }),
  }));
  const nodeEndpoints = leaderEndpoints(services.metadata.image, clusterId, hinted);
  return { responses, throttleTimeMs: 0, ...(nodeEndpoints.length === 0 ? {} : { nodeEndpoints }) };
}
