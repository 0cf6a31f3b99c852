import type { Address } from "../../ports/network.ts";
import type { RequestHead } from "../../protocol/api-frame.ts";
import type { Encoded } from "../../protocol/schema/encode.ts";
import {
  type ClientConnection,
  closeConnection,
  type KafkaApi,
  noResponse,
  type Reply,
  type RequestContext,
} from "../handlers/kafka-api.ts";
import type { Frame, FramePool } from "./frame-pool.ts";
import type { CloseReason } from "./server-statistics.ts";

/** A request on its way to its response. A connection keeps its exchanges in the order in which they came. */
export type Exchange = {
  /** Null for what was no request: then the reply closes the connection. */
  readonly api: Pick<KafkaApi<never>, "key" | "name" | "runsAlone"> | null;
  readonly startedMs: number;
  readonly requestBytes: number;
  frame: Frame | null;
  throttleMs: number;
  reply: Reply | null;
  closeReason: CloseReason;
};

/** What all exchanges of a listener have in common. */
export type ListenerScope<Services> = {
  readonly services: Services;
  readonly clusterId: string;
  readonly listener: string;
};

export function contextOf<Services>(
  scope: ListenerScope<Services>,
  { header }: RequestHead,
  parts: {
    readonly exchange: Exchange;
    readonly connection: ClientConnection;
    readonly remote: Address;
    readonly pool: FramePool;
  },
): RequestContext<Services> {
  const { exchange, connection, remote, pool } = parts;
  return {
    services: scope.services,
    clusterId: scope.clusterId,
    listener: scope.listener,
    apiVersion: header.requestApiVersion,
    correlationId: header.correlationId,
    clientId: header.clientId,
    remote,
    connection,
    releaseFrame: () => releaseFrame(exchange, pool),
    throttle: (delayMs) => {
      exchange.throttleMs = Math.max(exchange.throttleMs, delayMs);
    },
  };
}

export function releaseFrame(exchange: Exchange, pool: FramePool): void {
  const { frame } = exchange;
  exchange.frame = null;
  if (frame !== null) pool.giveBack(frame);
}

/**
 * The reply may outlive the frame, which serves the next request as soon as the handler is done. A response that hands back what the request
 * said, at a length the encoder does not copy, gets that part copied here.
 */
export function ownedReply(reply: Reply, frame: Frame | null): Reply {
  if (frame === null || reply === noResponse || reply === closeConnection) return reply;
  const memory = frame.memory.buffer;
  if (!reply.parts.some((part) => part instanceof Uint8Array && part.buffer === memory)) {
    return reply;
  }
  const owned: Encoded = {
    byteLength: reply.byteLength,
    parts: reply.parts.map((part) =>
      part instanceof Uint8Array && part.buffer === memory ? Buffer.copyBytesFrom(part) : part,
    ),
  };
  return owned;
}
