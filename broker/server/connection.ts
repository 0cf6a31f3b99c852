import type { Connection, NetworkError, Reader } from "../../ports/network.ts";
import {
  type ClientConnection,
  closeConnection,
  type KafkaApi,
  noResponse,
  type Reply,
} from "../handlers/kafka-api.ts";
import { route, type Route } from "./dispatch.ts";
import {
  contextOf,
  type Exchange,
  type ListenerScope,
  ownedReply,
  releaseFrame,
} from "./exchange.ts";
import type { Frame, FramePool } from "./frame-pool.ts";
import { countAnswer, type ReportScope, reportUnsupported } from "./reports.ts";
import { RequestIntake, type Scratch } from "./request-intake.ts";
import { releaseParts, ResponseWriter } from "./response-writer.ts";
import { failureReply, type Runnable, runRequest } from "./run-request.ts";
import type { ServerLimits } from "./server-limits.ts";
import { type CloseReason, countClosed } from "./server-statistics.ts";

// One client. Requests start in the order they came, run side by side, and their responses leave in that order. Reading stops while one of its
// bounds is reached: requests in flight, response bytes waiting, frame memory, or a throttled client's time.

/** What the connections of a listener share. */
export type ConnectionScope<Services> = ListenerScope<Services> &
  ReportScope & {
    readonly apis: ReadonlyMap<number, KafkaApi<Services>>;
    readonly limits: ServerLimits;
    readonly pool: FramePool;
    readonly scratch: Scratch;
    /** Monotonic time as of the last look at idle connections: exact enough to tell who is idle, and free. */
    coarseNowMs: number;
    readonly closed: (connection: KafkaConnection<Services>) => void;
  };

export class KafkaConnection<Services> implements ClientConnection, Reader {
  readonly id: number;
  clientSoftware: { readonly name: string; readonly version: string } | null = null;
  readonly bag = new Map<symbol, unknown>();
  readonly #scope: ConnectionScope<Services>;
  readonly #socket: Connection;
  readonly #intake: RequestIntake;
  readonly #writer: ResponseWriter;
  /** Requests whose responses have not gone to the writer. */
  readonly #exchanges: Exchange[] = [];
  /** Those, and the ones whose responses the kernel has not taken. */
  #inFlightCount = 0;
  /** A complete frame that may start only when everything before it is answered. */
  #held: Frame | null = null;
  #isThrottled = false;
  #endThrottle: (() => void) | null = null;
  #isTurnPlanned = false;
  /** Nothing more is read. */
  #isEnding = false;
  #isClosed = false;
  #closeReason: CloseReason = "peer";
  readonly #disconnectListeners = new Set<() => void>();
  #activeAtMs: number;

  constructor(id: number, socket: Connection, scope: ConnectionScope<Services>) {
    this.id = id;
    this.#socket = socket;
    this.#scope = scope;
    this.#activeAtMs = scope.coarseNowMs;
    this.#intake = new RequestIntake(socket, {
      pool: scope.pool,
      scratch: scope.scratch,
      maxFrameBytes: scope.limits.maxFrameBytes,
      mayStart: () => this.#mayStart(),
      start: (frame) => this.#start(frame),
      wrong: (reason) => this.#refuse("badRequest", reason, 0),
    });
    this.#writer = new ResponseWriter(socket, {
      writeBytes: scope.limits.writeBytes,
      taken: () => this.#taken(),
      broken: (reason, cause) => {
        scope.log.warn(`connection closed in the middle of a response: ${reason}`, {
          ...this.#logFields(),
          error: cause,
        });
        this.destroy("response");
      },
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  onDisconnect(run: () => void): () => void {
    if (this.#isClosed) {
      run();
      return () => undefined;
    }
    // A function of its own: the same `run` given twice is called twice.
    const listener = (): void => run();
    this.#disconnectListeners.add(listener);
    return () => this.#disconnectListeners.delete(listener);
  }

  buffer(): Uint8Array {
    return this.#intake.buffer();
  }

  received(count: number): void {
    if (this.#isClosed) return;
    this.#activeAtMs = this.#scope.coarseNowMs;
    this.#intake.received(count);
    this.#takeTurn();
  }

  closed(_error: NetworkError | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isEnding = true;
    countClosed(this.#scope.statistics, this.#closeReason);
    this.#endThrottle?.();
    this.#intake.close();
    this.#writer.close();
    if (this.#held !== null) this.#scope.pool.giveBack(this.#held);
    this.#held = null;
    for (const { reply } of this.#exchanges) dropReply(reply);
    this.#exchanges.length = 0;
    for (const listener of this.#disconnectListeners) this.#tell(listener);
    this.#disconnectListeners.clear();
    this.bag.clear();
    this.#scope.closed(this);
  }

  /** Closes at once. */
  destroy(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#stopReading(reason);
    this.#socket.destroy();
  }

  /** Reads no more requests; closes once those in flight are answered. */
  drain(): void {
    if (this.#isEnding) return;
    this.#stopReading("stopped");
    this.#endWhenAnswered();
    this.#planTurn();
  }

  /** Closes the connection if its client has been silent, or has taken nothing of its responses, for too long. */
  closeIfIdle(nowMs: number, slackMs: number): void {
    const { isInFrame, isWaitingForMemory } = this.#intake;
    // A request in progress excuses silence, but not with half a frame sent that we are ready to read: it holds memory.
    const isAnswerDue = this.#exchanges.length > 0 && !(isInFrame && this.#mayStart());
    if (isAnswerDue || isWaitingForMemory || this.#isThrottled) {
      this.#activeAtMs = this.#scope.coarseNowMs;
      return;
    }
    const { maxIdleMs, maxFrameStallMs } = this.#scope.limits;
    const silentMs = nowMs - this.#activeAtMs - slackMs;
    if (silentMs > maxIdleMs) this.destroy("idle");
    else if (isInFrame && silentMs > maxFrameStallMs) this.destroy("stalled");
  }

  #mayStart(): boolean {
    const { maxRequestsInFlight, maxWaitingResponseBytes } = this.#scope.limits;
    return (
      !this.#isEnding &&
      !this.#isThrottled &&
      this.#held === null &&
      this.#inFlightCount < maxRequestsInFlight &&
      this.#writer.waitingBytes <= maxWaitingResponseBytes &&
      this.#exchanges.at(-1)?.api?.runsAlone !== true
    );
  }

  #start(frame: Frame): void {
    const found = this.#route(frame);
    if (found === null) {
      this.#scope.pool.giveBack(frame);
      this.#refuse("failure", "its routing failed", frame.byteLength);
      return;
    }
    switch (found.kind) {
      case "run":
        if (found.api.runsAlone && this.#inFlightCount > 0) this.#held = frame;
        else this.#run(this.#begin(found.api, frame), found);
        return;
      case "answer":
        this.#settle(this.#begin(found.api, frame), found.response);
        return;
      case "unsupported":
        this.#scope.pool.giveBack(frame);
        reportUnsupported(this.#scope, found.head, this.#logFields());
        this.#refuse("unsupportedVersion", "unsupported request", frame.byteLength);
        return;
      case "corrupt":
        this.#scope.pool.giveBack(frame);
        this.#refuse("badRequest", found.error.message, frame.byteLength);
        return;
    }
  }

  #route(frame: Frame): Route<Services> | null {
    try {
      return route(this.#scope.apis, frame.memory, frame.byteLength);
    } catch (error) {
      this.#scope.log.error("a request could not be read", { ...this.#logFields(), error });
      return null;
    }
  }

  #begin(api: Exchange["api"], frame: Frame | null): Exchange {
    const exchange: Exchange = {
      api,
      startedMs: this.#scope.clock.monotonicMs(),
      requestBytes: frame?.byteLength ?? 0,
      frame,
      throttleMs: 0,
      reply: null,
      closeReason: "handler",
    };
    this.#exchanges.push(exchange);
    this.#inFlightCount++;
    return exchange;
  }

  /** Answers what came before, then closes. */
  #refuse(reason: CloseReason, why: string, frameBytes: number): void {
    this.#scope.log.debug(`connection closed: ${why}`, { ...this.#logFields(), frameBytes });
    this.#stopReading(reason);
    const exchange = this.#begin(null, null);
    exchange.closeReason = reason;
    this.#settle(exchange, closeConnection);
  }

  #run(exchange: Exchange, runnable: Runnable<Services>): void {
    const { pool } = this.#scope;
    if (!runnable.api.lendsFrame) releaseFrame(exchange, pool);
    const parts = { exchange, connection: this, remote: this.#socket.remote, pool };
    const context = contextOf(this.#scope, runnable.head, parts);
    runRequest(runnable, context, {
      replied: (reply) => this.#settle(exchange, reply),
      failed: (error) => {
        exchange.closeReason = "failure";
        this.#settle(
          exchange,
          failureReply(this.#scope, runnable, { ...this.#logFields(), error }),
        );
      },
    });
  }

  #settle(exchange: Exchange, reply: Reply): void {
    const { frame } = exchange;
    exchange.reply = ownedReply(reply, frame);
    releaseFrame(exchange, this.#scope.pool);
    if (this.#isClosed) dropReply(reply);
    else {
      this.#answerInOrder();
      this.#planTurn();
    }
  }

  #answerInOrder(): void {
    for (;;) {
      const exchange = this.#exchanges[0];
      if (exchange === undefined || exchange.reply === null) break;
      this.#exchanges.shift();
      this.#answer(exchange, exchange.reply);
    }
    if (this.#isEnding) this.#endWhenAnswered();
  }

  #answer(exchange: Exchange, reply: Reply): void {
    countAnswer(this.#scope, exchange, reply);
    if (reply === closeConnection) {
      this.#stopReading(exchange.closeReason);
      this.#writer.end();
    } else if (reply === noResponse) {
      this.#finished(exchange);
    } else {
      // KIP-219: the client hears first, and is not listened to from then on.
      if (exchange.throttleMs > 0) this.#isThrottled = true;
      const { parts, byteLength } = reply;
      this.#writer.push({ parts, byteLength, sent: () => this.#finished(exchange) });
    }
  }

  #finished({ throttleMs }: Exchange): void {
    this.#inFlightCount--;
    if (throttleMs === 0 || this.#isClosed) return;
    this.#endThrottle?.();
    this.#isThrottled = true;
    this.#endThrottle = this.#scope.clock.after(throttleMs, () => {
      this.#isThrottled = false;
      this.#endThrottle = null;
      this.#takeTurn();
    });
  }

  #taken(): void {
    this.#activeAtMs = this.#scope.coarseNowMs;
    this.#planTurn();
  }

  #stopReading(reason: CloseReason): void {
    if (this.#closeReason === "peer") this.#closeReason = reason;
    this.#isEnding = true;
    this.#intake.stop();
  }

  #endWhenAnswered(): void {
    if (this.#exchanges.length === 0 && this.#held === null) this.#writer.end();
  }

  /** Soon: one write serves all responses that become ready together, as those of one commit do. */
  #planTurn(): void {
    if (this.#isTurnPlanned || this.#isClosed) return;
    this.#isTurnPlanned = true;
    queueMicrotask(() => {
      this.#isTurnPlanned = false;
      this.#takeTurn();
    });
  }

  /** Sends what can be sent, then starts what had to wait. */
  #takeTurn(): void {
    if (this.#isClosed || this.#intake.isParsing) return;
    this.#writer.flush();
    const held = this.#held;
    if (held !== null && this.#inFlightCount === 0) {
      this.#held = null;
      this.#start(held);
    }
    this.#intake.readOn();
  }

  /** A listener that throws is a bug, and none of the business of the others. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#scope.log.error("a feature could not follow a disconnect", {
        ...this.#logFields(),
        error,
      });
    }
  }

  #logFields(): Record<string, unknown> {
    const { host, port } = this.#socket.remote;
    const software = this.clientSoftware;
    return {
      listener: this.#scope.listener,
      client: `${host}:${port}`,
      ...(software === null ? {} : { software: `${software.name} ${software.version}` }),
    };
  }
}

function dropReply(reply: Reply | null): void {
  if (reply !== null && reply !== noResponse && reply !== closeConnection)
    releaseParts(reply.parts);
}
