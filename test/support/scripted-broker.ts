import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { readRequestBody, readRequestHead, writeResponseFrame } from "../../protocol/api-frame.ts";
import { apiVersionsRequest, apiVersionsResponse } from "../../protocol/messages/api-versions.ts";
import {
  initProducerIdRequest,
  initProducerIdResponse,
} from "../../protocol/messages/init-producer-id.ts";
import { metadataRequest, metadataResponse } from "../../protocol/messages/metadata.ts";
import type { ProduceRequest } from "../../protocol/messages/produce.ts";
import { produceRequest, produceResponse } from "../../protocol/messages/produce.ts";
import { baseSequenceAt, lastOffsetDeltaAt, producerIdAt } from "../../protocol/records/batch.ts";
import { DecodeError } from "../../protocol/schema/decode-error.ts";

/** A batch as a broker was sent it. */
export type ReceivedBatch = {
  readonly nodeId: number;
  readonly partition: number;
  readonly producerId: number;
  readonly sequence: number;
  readonly count: number;
};

/** Kafka's error code of a partition, an answer that never comes, or the end of the connection instead of one. */
export type Reaction = number | "silence" | "hangUp";

/** What brokers say that have no log, no disk and no cell: what a test wants them to. */
export type Script = {
  readonly topic: string;
  /** By partition: who leads it; -1 for nobody. */
  readonly leaders: number[];
  /** What to say of a batch; 0 takes it. */
  react: (batch: ReceivedBatch) => Reaction;
  /** Every batch that arrived, in order. */
  readonly received: ReceivedBatch[];
};

export type ScriptedBrokers = AsyncDisposable & {
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
};

type Cell = {
  readonly script: Script;
  readonly ports: readonly number[];
  nextProducerId: number;
  nextOffset: number;
};

/** `count` of them on loopback, with node ids from 1. */
export async function startScriptedBrokers(
  script: Script,
  count: number,
): Promise<ScriptedBrokers> {
  const sockets = new Set<Socket>();
  const ports: number[] = [];
  const cell: Cell = { script, ports, nextProducerId: 1_000, nextOffset: 0 };
  const servers = Array.from({ length: count }, (_, index) =>
    createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      answerRequests(cell, index + 1, socket);
    }),
  );
  for (const server of servers) {
    await new Promise<void>((up) => server.listen(0, "127.0.0.1", up));
    ports.push((server.address() as AddressInfo).port);
  }
  return {
    addresses: ports.map((port) => ({ host: "127.0.0.1", port })),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    },
  };
}

function answerRequests(cell: Cell, nodeId: number, socket: Socket): void {
  let waiting: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 4 && waiting.length >= 4 + waiting.readInt32BE(0)) {
      const end = 4 + waiting.readInt32BE(0);
      const answer = answerTo(cell, nodeId, waiting.subarray(4, end));
      waiting = waiting.subarray(end);
      if (answer === "hangUp") return socket.destroy();
      if (answer !== "silence") socket.write(answer);
    }
  });
}

function answerTo(cell: Cell, nodeId: number, frame: Buffer): Buffer | "silence" | "hangUp" {
  const head = read(readRequestHead(frame));
  const { requestApiKey: key, requestApiVersion: version, correlationId } = head.header;
  const framed = (parts: ReturnType<typeof writeResponseFrame>): Buffer =>
    Buffer.concat(parts.parts.map((part) => part as Uint8Array));
  switch (key) {
    case apiVersionsRequest.key:
      return framed(writeResponseFrame(apiVersionsResponse, version, correlationId, apis));
    case initProducerIdRequest.key: {
      const producerId = cell.nextProducerId++;
      const body = { throttleTimeMs: 0, errorCode: 0, producerId, producerEpoch: 0 };
      return framed(writeResponseFrame(initProducerIdResponse, version, correlationId, body));
    }
    case metadataRequest.key: {
      const body = metadata(cell);
      return framed(writeResponseFrame(metadataResponse, version, correlationId, body));
    }
    case produceRequest.key: {
      const request = read(readRequestBody(produceRequest, head, frame));
      const answer = produced(cell, nodeId, request);
      if (answer === "silence" || answer === "hangUp") return answer;
      return framed(writeResponseFrame(produceResponse, version, correlationId, answer));
    }
    default:
      throw new Error(`nobody has written what a scripted broker says to API ${key}`);
  }
}

const apis = {
  errorCode: 0,
  apiKeys: [
    [produceRequest.key, 3, 9],
    [metadataRequest.key, 4, 12],
    [apiVersionsRequest.key, 0, 3],
    [initProducerIdRequest.key, 0, 4],
  ].map(([apiKey, minVersion, maxVersion]) => ({
    apiKey: Number(apiKey),
    minVersion: Number(minVersion),
    maxVersion: Number(maxVersion),
  })),
  throttleTimeMs: 0,
};

function metadata({ ports, script }: Cell) {
  return {
    throttleTimeMs: 0,
    brokers: ports.map((port, index) => ({ nodeId: index + 1, host: "127.0.0.1", port })),
    clusterId: "scripted",
    controllerId: 1,
    topics: [
      {
        errorCode: 0,
        name: script.topic,
        partitions: script.leaders.map((leaderId, partitionIndex) => ({
          errorCode: leaderId < 0 ? leaderNotAvailable : 0,
          partitionIndex,
          leaderId,
          replicaNodes: [1],
          isrNodes: [1],
        })),
      },
    ],
  };
}

const leaderNotAvailable = 5;

function produced(cell: Cell, nodeId: number, { topicData }: ProduceRequest) {
  const batches = topicData.flatMap(({ partitionData }) =>
    partitionData.map(({ index, records }) => batchOf(nodeId, index, records as Uint8Array)),
  );
  cell.script.received.push(...batches);
  const reactions = batches.map((batch) => cell.script.react(batch));
  const lost = reactions.find((reaction) => typeof reaction === "string");
  if (lost !== undefined) return lost;
  const partitionResponses = batches.map(({ partition, count }, at) => {
    const errorCode = Number(reactions[at]);
    const baseOffset = errorCode === 0 ? cell.nextOffset : -1;
    if (errorCode === 0) cell.nextOffset += count;
    return { index: partition, errorCode, baseOffset };
  });
  return { responses: [{ name: cell.script.topic, partitionResponses }] };
}

function batchOf(nodeId: number, partition: number, records: Uint8Array): ReceivedBatch {
  return {
    nodeId,
    partition,
    producerId: producerIdAt(records, 0),
    sequence: baseSequenceAt(records, 0),
    count: lastOffsetDeltaAt(records, 0) + 1,
  };
}

function read<T>(value: T | DecodeError): T {
  if (value instanceof DecodeError) throw value;
  return value;
}
