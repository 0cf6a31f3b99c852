import type { PartitionLoad } from "../../metadata/commands/balance-replicas.ts";
import type { ReplicaEnd } from "../../metadata/commands/recovery.ts";
import type { ErrorName } from "../../protocol/errors.ts";
import { errorCodes, errorNameOf } from "../../protocol/errors.ts";
import { extend } from "../../protocol/extension-fields.ts";
import {
  brokerHeartbeatRequest as kafkaRequest,
  brokerHeartbeatResponse as kafkaResponse,
} from "../../protocol/messages/broker-heartbeat.ts";
import type { Encodable, Infer } from "../../protocol/schema/message.ts";
import {
  array,
  bool,
  int32,
  int64,
  int64Max,
  tagged,
  uuid,
  withDefault,
} from "../../protocol/schema/types.ts";
import type { Heartbeat, HeartbeatAnswer, HeartbeatError, HeartbeatReport } from "./cell-events.ts";

// BrokerHeartbeat (KIP-631) as brokers of one cell send it: with what the controller must know beside Kafka's fields (replication.md C0-C2b, C8).

export const heartbeatVersion = 2;

export const heartbeatRequest = extend(kafkaRequest, {
  counter: tagged(10_000, 0, withDefault(int64, 0)),
  logReadAgeMs: tagged(10_001, 0, withDefault(int64, int64Max)),
  leaderlessReplicas: tagged(
    10_002,
    0,
    array({
      topicId: uuid,
      index: int32,
      lastEpoch: int32,
      logEndOffset: int64,
      highWatermark: int64,
      isDamaged: bool,
    }),
  ),
  loads: tagged(
    10_003,
    0,
    array({ topicId: uuid, index: int32, bytesInPerSecond: int64, bytesOutPerSecond: int64 }),
  ),
});

export const heartbeatResponse = extend(kafkaResponse, {
  controllerEpoch: tagged(10_000, 0, withDefault(int32, -1)),
  logReadAgeMs: tagged(10_001, 0, withDefault(int64, int64Max)),
  isLogUnreadable: tagged(10_002, 0, withDefault(bool, false)),
});

type WireRequest = Infer<typeof heartbeatRequest>;
type WireResponse = Infer<typeof heartbeatResponse>;

/** Ages are rounded up: what is known is never taken for fresher than it is. */
const wireAge = (ageMs: number): number => Math.min(int64Max - 1, Math.ceil(ageMs));

export function heartbeatToWire(heartbeat: Heartbeat, report: HeartbeatReport) {
  return {
    brokerId: heartbeat.brokerId,
    brokerEpoch: heartbeat.brokerEpoch,
    currentMetadataOffset: heartbeat.metadataRevision,
    wantFence: false,
    wantShutDown: heartbeat.wantsShutDown,
    offlineLogDirs: [],
    counter: heartbeat.counter,
    logReadAgeMs: wireAge(heartbeat.logReadAgeMs),
    leaderlessReplicas: report.ends.map(({ isDamaged = false, ...end }) => ({ ...end, isDamaged })),
    loads: report.loads.map(({ bytesInPerSecond, bytesOutPerSecond, ...of }) => ({
      ...of,
      bytesInPerSecond: Math.round(bytesInPerSecond),
      bytesOutPerSecond: Math.round(bytesOutPerSecond),
    })),
  };
}

export function heartbeatFromWire(request: WireRequest): {
  heartbeat: Heartbeat;
  report: { ends: ReplicaEnd[]; loads: PartitionLoad[] };
} {
  return {
    heartbeat: {
      brokerId: request.brokerId,
      brokerEpoch: request.brokerEpoch,
      counter: request.counter,
      metadataRevision: request.currentMetadataOffset,
      wantsShutDown: request.wantShutDown,
      logReadAgeMs: request.logReadAgeMs,
    },
    report: { ends: request.leaderlessReplicas, loads: request.loads },
  };
}

export function answerToWire(answer: HeartbeatAnswer): Encodable<typeof heartbeatResponse> {
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes[answer.error ?? "NONE"],
    isCaughtUp: answer.isCaughtUp,
    isFenced: answer.isFenced,
    shouldShutDown: answer.shouldShutDown,
    controllerEpoch: answer.controllerEpoch,
    logReadAgeMs: wireAge(answer.logReadAgeMs),
    isLogUnreadable: answer.isLogUnreadable,
  };
}

const heartbeatErrors: readonly ErrorName[] = [
  "NOT_CONTROLLER",
  "BROKER_ID_NOT_REGISTERED",
  "STALE_BROKER_EPOCH",
  "INVALID_REQUEST",
] satisfies HeartbeatError[];

/** Null where the other end says something that no controller says: as good as no answer. */
export function answerFromWire(response: WireResponse): HeartbeatAnswer | null {
  const name = errorNameOf(response.errorCode);
  if (name !== "NONE" && !heartbeatErrors.includes(name)) return null;
  const { isCaughtUp, isFenced, shouldShutDown, controllerEpoch } = response;
  const { logReadAgeMs, isLogUnreadable } = response;
  return {
    error: name === "NONE" ? null : (name as HeartbeatError),
    controllerEpoch,
    isCaughtUp,
    isFenced,
    shouldShutDown,
    logReadAgeMs,
    isLogUnreadable,
  };
}
