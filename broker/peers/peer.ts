import type { Clock } from "../../ports/clock.ts";
import type { Address, Connection, Network } from "../../ports/network.ts";
import { NetworkError } from "../../ports/network.ts";
import { readResponse, writeRequestFrame } from "../../protocol/api-frame.ts";
import type { ExternalBytes } from "../../protocol/external-bytes.ts";
import { DecodeError } from "../../protocol/schema/decode-error.ts";
import type { Message } from "../../protocol/schema/message.ts";
import { createResponseFrames } from "./response-frames.ts";

/** A request got no answer; whether it was carried out is unknown. `refused`: nobody listens there, so it was not. */
export class PeerError extends Error {
  readonly code: "refused" | "lost" | "timedOut" | "corrupt";
  constructor(code: PeerError["code"], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "PeerError";
    this.code = code;
  }
}

export type Call<Request, Response> = {
  readonly request: Message<unknown, Request>;
  readonly response: Message<Response, never>;
  readonly version: number;
  readonly body: Request;
  /** From the call to the whole answer, the dial included. */
  readonly timeoutMs: number;
};

/**
 * Another broker of the cell, asked one thing at a time over one connection of its own, which is dialled when first needed and again after it was lost.
 * What one task asks (fetching, heartbeats, in-sync sets) must not wait behind another's long poll: each has a peer of its own.
 */
export type Peer = {
  /** Throws PeerError. Byte fields of the answer are lent until the next call. */
  call<Request, Response>(call: Call<Request, Response>): Promise<Response>;
  /** Gives up the call under way and the connection; later calls throw. */
  close(): void;
};

export type PeerOptions = {
  readonly network: Network;
  readonly clock: Clock;
  readonly address: Address;
  /** What the other broker's log calls us. */
  readonly clientId: string;
  readonly maxFrameBytes: number;
  /** The connection closed from the other end while nothing was asked. */
  readonly onLost?: () => void;
};

type Link = { readonly connection: Connection; readonly frameDone: () => void };

export function createPeer(options: PeerOptions): Peer {
  return new DialledPeer(options);
}

class DialledPeer implements Peer {
  readonly #options: PeerOptions;
  #link: Link | null = null;
  #settleCall: ((outcome: Uint8Array | PeerError) => void) | null = null;
  /** Ends the wait for a dial: the network itself knows no other end than its time-out. */
  #abandonDial: ((error: PeerError) => void) | null = null;
  #correlationId = 0;
  #isBusy = false;
  #isClosed = false;

  constructor(options: PeerOptions) {
    this.#options = options;
  }

  async call<Request, Response>(call: Call<Request, Response>): Promise<Response> {
    if (this.#isClosed) throw new PeerError("lost", "the peer is closed");
    if (this.#isBusy) throw new Error("a peer is asked one thing at a time");
    this.#isBusy = true;
    try {
      this.#link?.frameDone();
      return await this.#exchange(call);
    } finally {
      this.#isBusy = false;
    }
  }

  close(): void {
    this.#isClosed = true;
    const last = this.#link;
    this.#link = null;
    last?.connection.destroy();
    const error = new PeerError("lost", "the peer is closed");
    this.#settle(error);
    this.#abandonDial?.(error);
  }

  async #exchange<Request, Response>(call: Call<Request, Response>): Promise<Response> {
    const { request, response, version, body, timeoutMs } = call;
    const { clock, clientId } = this.#options;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    const link = this.#link ?? (await this.#dialOrClosed(timeoutMs));
    // Lost again before anything was asked.
    if (this.#link !== link) throw new PeerError("lost", "the connection was closed");
    const correlationId = (this.#correlationId = (this.#correlationId + 1) & 0x7fff_ffff);
    const answered = new Promise<Uint8Array | PeerError>((resolve) => {
      this.#settleCall = resolve;
    });
    const cancel = clock.after(Math.max(0, deadlineMs - clock.monotonicMs()), () =>
      this.#lose(link, new PeerError("timedOut", `no answer within ${timeoutMs} ms`)),
    );
    const { parts } = writeRequestFrame(request, version, { correlationId, clientId }, body);
    link.connection.write(parts.map(ownBytes), () => undefined);
    const frame = await answered;
    cancel();
    if (frame instanceof PeerError) throw frame;
    const read = readResponse(response, version, frame);
    if (!(read instanceof DecodeError) && read.correlationId === correlationId) return read.body;
    const cause = read instanceof DecodeError ? { cause: read } : {};
    const error = new PeerError("corrupt", "an answer to something else, or none", cause);
    this.#lose(link, error);
    throw error;
  }

  #dialOrClosed(timeoutMs: number): Promise<Link> {
    return new Promise((resolve, reject) => {
      this.#abandonDial = reject;
      this.#dial(timeoutMs)
        .then(resolve, reject)
        .finally(() => (this.#abandonDial = null));
    });
  }

  async #dial(timeoutMs: number): Promise<Link> {
    const connection = await connect(this.#options, timeoutMs);
    const frames = createResponseFrames(this.#options.maxFrameBytes);
    const link: Link = { connection, frameDone: () => frames.next() };
    if (this.#isClosed) {
      connection.destroy();
      throw new PeerError("lost", "the peer is closed");
    }
    this.#link = link;
    connection.start({
      buffer: () => frames.buffer(),
      received: (count) => {
        const frame = frames.received(count);
        if (frame === null) return;
        if ("wrong" in frame) this.#lose(link, new PeerError("corrupt", frame.wrong));
        else this.#settle(frame);
      },
      closed: (error) => {
        // What a connection given up earlier had to answer for is settled.
        if (this.#link !== link) return;
        this.#link = null;
        this.#settle(new PeerError("lost", "the connection was closed", { cause: error }));
        if (!this.#isBusy) this.#options.onLost?.();
      },
    });
    return link;
  }

  #settle(outcome: Uint8Array | PeerError): void {
    const settle = this.#settleCall;
    this.#settleCall = null;
    settle?.(outcome);
  }

  #lose(lost: Link, error: PeerError): void {
    if (this.#link === lost) this.#link = null;
    lost.connection.destroy();
    this.#settle(error);
  }
}

function ownBytes(part: Uint8Array | ExternalBytes): Uint8Array {
  if (part instanceof Uint8Array) return part;
  throw new TypeError("requests to peers carry no bytes of a log");
}

async function connect({ network, address }: PeerOptions, timeoutMs: number): Promise<Connection> {
  try {
    return await network.dial(address, { timeoutMs });
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    const code =
      error.code === "refused" ? "refused" : error.code === "timedOut" ? "timedOut" : "lost";
    throw new PeerError(code, `${address.host}:${address.port} cannot be reached`, {
      cause: error,
    });
  }
}
