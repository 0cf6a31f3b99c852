import type { Address } from "../../ports/network.ts";
import { readRequestBody, type RequestHead, writeResponseFrame } from "../../protocol/api-frame.ts";
import { apiByKey } from "../../protocol/api-table.ts";
import type { ErrorName } from "../../protocol/errors.ts";
import { DecodeError } from "../../protocol/schema/decode-error.ts";
import type { Encoded } from "../../protocol/schema/encode.ts";
import type { Message } from "../../protocol/schema/message.ts";
import type { TypeNode, VersionRange } from "../../protocol/schema/types.ts";
import { errorResponse } from "./error-response.ts";

/** What a handler answers where the protocol has no answer: acks=0. */
export const noResponse: unique symbol = Symbol("no response");
/** Earlier requests of the connection are still answered, then it is closed. */
export const closeConnection: unique symbol = Symbol("close the connection");

export type NoAnswer = typeof noResponse | typeof closeConnection;
export type Reply = Encoded | NoAnswer;

/** What a handler knows beside the request itself. */
export type RequestContext<Services> = {
  readonly services: Services;
  /** The tenant's cluster this listener belongs to (architecture.md 3.7). */
  readonly clusterId: string;
  readonly listener: string;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  readonly remote: Address;
  readonly connection: ClientConnection;
  /**
   * Says that the request's byte fields (records, group metadata) are not looked at any more, so that the memory serves other frames while the
   * handler waits. Without this they stay valid until the handler's promise settles. Requests without such fields do not hold their frame.
   */
  readonly releaseFrame: () => void;
  /** KIP-219: once this response is sent, nothing more is read from the connection for so long. */
  readonly throttle: (delayMs: number) => void;
};

/** One client's connection, the same object for all its requests. */
export type ClientConnection = {
  readonly id: number;
  /** What the client calls itself, from ApiVersions 3 on (KIP-511). */
  clientSoftware: { readonly name: string; readonly version: string } | null;
  readonly isClosed: boolean;
  /** Calls `run` once when the connection is gone, at once if it is already. The returned function takes that back. */
  onDisconnect(run: () => void): () => void;
  /** State of a feature that lives and dies with the connection, under that feature's own symbol. */
  readonly bag: Map<symbol, unknown>;
};

type Handler<Request, Response, Services> = (
  request: Request,
  context: RequestContext<Services>,
) => Response | NoAnswer | Promise<Response | NoAnswer>;

export type KafkaApiOptions<Request, Response> = {
  /** The versions that reach the handler. */
  readonly versions: VersionRange;
  /** The range ApiVersions shows, where it is wider: for clients that take a missing version for a missing feature. */
  readonly advertised?: VersionRange;
  /**
   * Shapes an error that concerns the request as a whole: a version that is advertised but not served, or a handler that failed. Null closes the
   * connection, as it must for a request that gets no response (acks=0). Without this the top-level error code says it where the version has one,
   * else the connection is closed.
   */
  readonly refuse?: (request: Request, error: ErrorName, apiVersion: number) => Response | null;
  /** What a request in a version outside `advertised` is answered, in version 0. Only ApiVersions may; for all others the connection is closed. */
  readonly unknownVersion?: () => Response;
  /** Starts only when every earlier request of the connection is answered, and no later one starts before its own answer: authentication. */
  readonly runsAlone?: boolean;
};

/** A request read from its frame, ready to run. */
export type PreparedRequest<Services> = {
  run(context: RequestContext<Services>): Reply | Promise<Reply>;
  /** The response that says `error` of the whole request, or null if this version cannot say it. */
  refuse(error: ErrorName): Encoded | null;
};

/** A Kafka API as the server sees it; what its messages are is known inside only. */
export type KafkaApi<Services> = {
  readonly key: number;
  readonly name: string;
  readonly versions: VersionRange;
  readonly advertised: VersionRange;
  readonly runsAlone: boolean;
  /** Decoded requests contain slices of the frame. */
  readonly lendsFrame: boolean;
  /** Reads the body of the request in `frame[0, end)`; the whole of it by default. */
  prepare(
    head: RequestHead,
    frame: Uint8Array,
    end?: number,
  ): PreparedRequest<Services> | DecodeError;
  unknownVersion(correlationId: number): Encoded | null;
};

/** Declares the handler of one API: `export const heartbeat = kafkaApi(heartbeatRequest, heartbeatResponse, { versions: [0, 4] }, ...)`. */
export function kafkaApi<Request, RequestInput, Decoded, Response, Services>(
  request: Message<Request, RequestInput>,
  response: Message<Decoded, Response>,
  options: KafkaApiOptions<Request, Response>,
  handler: Handler<Request, Response, Services>,
): KafkaApi<Services> {
  const api = request.key === null ? undefined : apiByKey(request.key);
  if (api === undefined) throw new RangeError("not a request of the API table");
  const { versions, advertised = versions, refuse, unknownVersion, runsAlone = false } = options;

  return {
    key: api.key,
    name: api.name,
    versions,
    advertised,
    runsAlone,
    lendsFrame: holdsBytes({ kind: "struct", fields: request.fields }),
    prepare(head, frame, end = frame.byteLength) {
      const version = head.header.requestApiVersion;
      const { correlationId } = head.header;
      const body = readRequestBody(request, head, frame, end);
      if (body instanceof DecodeError) return body;
      const shape = (answer: Response | NoAnswer): Reply =>
        isNoAnswer(answer) ? answer : writeResponseFrame(response, version, correlationId, answer);
      return {
        run(context) {
          const answer = handler(body, context);
          return answer instanceof Promise ? answer.then(shape) : shape(answer);
        },
        refuse(error) {
          const answer =
            refuse === undefined
              ? errorResponse(response, version, error)
              : refuse(body, error, version);
          return answer === null
            ? null
            : writeResponseFrame(response, version, correlationId, answer);
        },
      };
    },
    unknownVersion: (correlationId) =>
      unknownVersion === undefined
        ? null
        : writeResponseFrame(response, 0, correlationId, unknownVersion()),
  };
}

export function includesVersion(range: VersionRange, version: number): boolean {
  return version >= range[0] && version <= range[1];
}

function isNoAnswer(answer: unknown): answer is NoAnswer {
  return answer === noResponse || answer === closeConnection;
}

function holdsBytes(node: TypeNode): boolean {
  if (node.kind === "array") return holdsBytes(node.element);
  if (node.kind === "struct") return Object.values(node.fields).some(holdsBytes);
  return node.kind === "bytes" || node.kind === "records";
}
