import {
  closeConnection,
  kafkaApi,
  type KafkaApi,
  noResponse,
  type RequestContext,
} from "../../broker/handlers/kafka-api.ts";
import type { LogRange } from "../../broker/log/log-range.ts";
import type { LogFields, LogOutput } from "../../broker/log-output.ts";
import { fetchRequest, fetchResponse } from "../../protocol/messages/fetch.ts";
import { heartbeatRequest, heartbeatResponse } from "../../protocol/messages/heartbeat.ts";
import { produceRequest, produceResponse } from "../../protocol/messages/produce.ts";
import {
  saslAuthenticateRequest,
  saslAuthenticateResponse,
} from "../../protocol/messages/sasl-authenticate.ts";
import { syncGroupRequest, syncGroupResponse } from "../../protocol/messages/sync-group.ts";

/**
 * Handlers for tests of the server around them, on Kafka's own messages:
 * Heartbeat answers its generation id (its low 15 bits) as error code when the test says so (`group: "wait"`), throws (`"throw"`, `"reject"`), or at once;
 * SyncGroup gives back the assignment it is sent; Fetch answers ranges of a log that the test supplies; Produce is silent with acks=0;
 * SaslAuthenticate runs alone.
 */
export type HandlerBench = {
  readonly apis: readonly KafkaApi<unknown>[];
  /** Heartbeats that wait, in the order they started. */
  readonly waiting: { readonly generationId: number; answer(): void; readonly context: Context }[];
  readonly started: string[];
  readonly contexts: Context[];
  ranges: () => LogRange[];
  throttleMs: number;
  /** SyncGroup holds its frame until this resolves. */
  syncing: Promise<void> | null;
};

type Context = RequestContext<unknown>;

export function createHandlerBench(): HandlerBench {
  const bench: HandlerBench = {
    apis: [],
    waiting: [],
    started: [],
    contexts: [],
    ranges: () => [],
    throttleMs: 0,
    syncing: null,
  };
  const heartbeat = kafkaApi(
    heartbeatRequest,
    heartbeatResponse,
    { versions: [0, 4] },
    ({ groupId, generationId }, context: Context) => {
      bench.started.push(`heartbeat ${generationId}`);
      bench.contexts.push(context);
      if (bench.throttleMs > 0) context.throttle(bench.throttleMs);
      const response = { throttleTimeMs: 0, errorCode: generationId & 0x7fff };
      if (groupId === "throw") throw new Error("handler threw");
      if (groupId === "reject") return Promise.reject(new Error("handler rejected"));
      if (groupId === "unshapeable") return { throttleTimeMs: 0, errorCode: 1_000_000 };
      if (groupId !== "wait") return response;
      return new Promise<typeof response>((resolve) =>
        bench.waiting.push({ generationId, context, answer: () => resolve(response) }),
      );
    },
  );
  const syncGroup = kafkaApi(
    syncGroupRequest,
    syncGroupResponse,
    { versions: [0, 5] },
    ({ assignments }) => {
      const response = {
        errorCode: 0,
        assignment: assignments[0]?.assignment ?? new Uint8Array(0),
      };
      return bench.syncing === null ? response : bench.syncing.then(() => response);
    },
  );
  const fetch = kafkaApi(fetchRequest, fetchResponse, { versions: [4, 18] }, () => ({
    throttleTimeMs: 0,
    responses: [
      {
        topic: "t",
        partitions: bench.ranges().map((records, partitionIndex) => ({
          partitionIndex,
          errorCode: 0,
          highWatermark: 0,
          abortedTransactions: null,
          records,
        })),
      },
    ],
  }));
  const produce = kafkaApi(
    produceRequest,
    produceResponse,
    {
      versions: [3, 13],
      advertised: [0, 13],
      refuse: ({ acks, topicData }) =>
        acks === 0
          ? null
          : {
              responses: topicData.map(({ name, partitionData }) => ({
                name,
                partitionResponses: partitionData.map(({ index }) => ({
                  index,
                  errorCode: 35,
                  baseOffset: -1,
                })),
              })),
            },
    },
    ({ acks, topicData }) => {
      if (acks === 0) return topicData.length === 0 ? closeConnection : noResponse;
      return { responses: [] };
    },
  );
  const saslAuthenticate = kafkaApi(
    saslAuthenticateRequest,
    saslAuthenticateResponse,
    { versions: [0, 2], runsAlone: true },
    async ({ authBytes }) => {
      bench.started.push("authenticate");
      await Promise.resolve();
      bench.started.push("authenticated");
      return { errorCode: 0, errorMessage: null, authBytes };
    },
  );
  return Object.assign(bench, { apis: [heartbeat, syncGroup, fetch, produce, saslAuthenticate] });
}

export type LogLine = { level: keyof LogOutput; message: string; fields: LogFields };

/** A log that tests can read. */
export function recordingLog(): LogOutput & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: keyof LogOutput) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A range of a log that counts who holds it, and may be slow to come by its bytes. */
export function testRange(
  bytes: Uint8Array,
  { isLate = false, fails = false }: { isLate?: boolean; fails?: boolean } = {},
) {
  const state = { pinnedBytes: 0, mostPinnedBytes: 0, isReleased: false, releaseCount: 0 };
  const readAhead: number[] = [];
  const giveUps: (() => void)[] = [];
  const range: LogRange = {
    byteLength: bytes.byteLength,
    queued: (giveUp) => giveUps.push(giveUp),
    readAhead: (from) => void readAhead.push(from),
    materialise(from, maxBytes) {
      if (state.isReleased) throw new Error("materialised after release");
      const chunk = Uint8Array.from(bytes.subarray(from, from + maxBytes));
      state.pinnedBytes += chunk.byteLength;
      state.mostPinnedBytes = Math.max(state.mostPinnedBytes, state.pinnedBytes);
      let isPinned = true;
      const materialised = {
        chunks: [chunk.subarray(0, 10), chunk.subarray(10)],
        byteLength: chunk.byteLength,
        release() {
          if (!isPinned) throw new Error("released twice");
          isPinned = false;
          state.pinnedBytes -= chunk.byteLength;
          // What would be overwritten in the ring.
          chunk.fill(0xee);
        },
      };
      if (!isLate && fails) {
        materialised.release();
        throw new Error("the disk failed");
      }
      if (!isLate) return materialised;
      return new Promise((resolve, reject) =>
        setImmediate(() => {
          if (!fails) return resolve(materialised);
          materialised.release();
          return reject(new Error("the disk failed"));
        }),
      );
    },
    release() {
      state.isReleased = true;
      state.releaseCount++;
    },
  };
  return { range, state, giveUps, readAhead };
}
