import type { Address, Connection, Network } from "../../ports/network.ts";
import { readResponse, writeRequestFrame } from "../../protocol/api-frame.ts";
import { DecodeError } from "../../protocol/schema/decode-error.ts";
import type { Message } from "../../protocol/schema/message.ts";

/**
 * A Kafka client with nothing in between: it encodes a request by the protocol's tables, sends it and reads the answer, over the network given. What
 * it does not do is what tests want to do wrong: it sends any bytes, in any pieces, and reads only when told to.
 */
export type RawClient = {
  readonly connection: Connection;
  /** Sends a request and resolves with its response; rejects if the connection closes first, or the response is not one. */
  call<Request, RequestInput, Response, ResponseInput>(
    request: Message<Request, RequestInput>,
    response: Message<Response, ResponseInput>,
    version: number,
    body: RequestInput,
  ): Promise<Response>;
  /** Sends a request and waits for nothing; the correlation id it went out with. */
  send<Request, RequestInput>(
    request: Message<Request, RequestInput>,
    version: number,
    body: RequestInput,
  ): number;
  sendBytes(bytes: Uint8Array): void;
  /** The next response frame, without its size, in the order of arrival; null once the connection is closed. */
  nextFrame(): Promise<Uint8Array | null>;
  pause(): void;
  resume(): void;
  readonly receivedBytes: number;
  readonly isClosed: boolean;
  /** Resolves when the broker, or `close`, has closed the connection. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
};

export type RawClientOptions = { readonly clientId?: string | null };

export async function connectRawClient(
  network: Network,
  address: Address,
  { clientId = "raw-client" }: RawClientOptions = {},
): Promise<RawClient> {
  const connection = await network.dial(address, { timeoutMs: 5_000 });
  const frames: Uint8Array[] = [];
  const readers: ((frame: Uint8Array | null) => void)[] = [];
  const scratch = Buffer.alloc(256 * 1024);
  let size: Buffer = Buffer.alloc(0);
  let frame: Buffer | null = null;
  let filled = 0;
  let receivedBytes = 0;
  let isClosed = false;
  let correlationId = 0;
  let reportClosed: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    reportClosed = resolve;
  });

  function deliver(complete: Uint8Array): void {
    const reader = readers.shift();
    if (reader === undefined) frames.push(complete);
    else reader(complete);
  }

  function accept(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (frame === null) {
        const count = Math.min(4 - size.length, bytes.length - at);
        size = Buffer.concat([size, bytes.subarray(at, at + count)]);
        at += count;
        if (size.length < 4) return;
        frame = Buffer.alloc(size.readInt32BE());
        filled = 0;
        size = Buffer.alloc(0);
      }
      const count = bytes.copy(frame, filled, at);
      filled += count;
      at += count;
      if (filled < frame.length) continue;
      const complete = frame;
      frame = null;
      deliver(complete);
    }
  }

  connection.start({
    buffer: () => scratch,
    received(count) {
      receivedBytes += count;
      accept(scratch.subarray(0, count));
    },
    closed() {
      isClosed = true;
      for (const reader of readers.splice(0)) reader(null);
      reportClosed();
    },
  });

  const client: RawClient = {
    connection,
    async call(request, response, version, body) {
      const sent = client.send(request, version, body);
      const answer = await client.nextFrame();
      if (answer === null) throw new Error("the connection was closed before the response");
      const read = readResponse(response, version, answer);
      if (read instanceof DecodeError) throw read;
      if (read.correlationId !== sent) {
        throw new Error(`response to ${read.correlationId}, not to ${sent}`);
      }
      return read.body;
    },
    send(request, version, body) {
      const id = correlationId++;
      const { parts } = writeRequestFrame(request, version, { correlationId: id, clientId }, body);
      connection.write(parts.map(bytesOf), () => undefined);
      return id;
    },
    sendBytes(bytes) {
      connection.write([bytes], () => undefined);
    },
    nextFrame() {
      const waiting = frames.shift();
      if (waiting !== undefined) return Promise.resolve(waiting);
      if (isClosed) return Promise.resolve(null);
      return new Promise((resolve) => readers.push(resolve));
    },
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    get receivedBytes() {
      return receivedBytes;
    },
    get isClosed() {
      return isClosed;
    },
    closed,
    close() {
      connection.destroy();
      return closed;
    },
  };
  return client;
}

function bytesOf(part: Uint8Array | { readonly byteLength: number }): Uint8Array {
  if (part instanceof Uint8Array) return part;
  throw new TypeError("a request has no external bytes");
}
