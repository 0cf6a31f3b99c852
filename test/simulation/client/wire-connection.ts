import type { Address, Connection } from "../../../ports/network.ts";
import { readResponse, writeRequestFrame } from "../../../protocol/api-frame.ts";
import { DecodeError } from "../../../protocol/schema/decode-error.ts";
import type { Message } from "../../../protocol/schema/message.ts";
import type { ClientPlace } from "../cell/sim-cell.ts";

/** A request without an answer: whether it was carried out is not known. */
export class NoAnswer extends Error {
  constructor(why: string) {
    super(why);
    this.name = "NoAnswer";
  }
}

type Waiting = {
  readonly correlationId: number;
  readonly read: (frame: Uint8Array) => void;
  readonly fail: (error: Error) => void;
};

const scratch = new Uint8Array(64 * 1024);

/** A connection as Kafka's clients have them: requests in order, many in flight, responses in the same order. */
export class WireConnection {
  readonly #place: ClientPlace;
  readonly #connection: Connection;
  readonly #waiting: Waiting[] = [];
  readonly #size = new Uint8Array(4);
  #sizeFilled = 0;
  #frame: Uint8Array | null = null;
  #frameFilled = 0;
  #nextId = 0;
  isClosed = false;

  private constructor(place: ClientPlace, connection: Connection) {
    this.#place = place;
    this.#connection = connection;
    connection.start({
      buffer: () => scratch,
      received: (count) => this.#received(count),
      closed: () => this.#closed("the connection is closed"),
    });
  }

  static async dial(place: ClientPlace, address: Address): Promise<WireConnection> {
    try {
      const connection = await place.network.dial(address, { timeoutMs: 3_000 });
      return new WireConnection(place, connection);
    } catch (error) {
      throw new NoAnswer(String(error));
    }
  }

  /** Rejects with NoAnswer; after a time-out the connection is closed, as nothing behind that request would be answered either. */
  call<Request, RequestInput, Response, ResponseInput>(
    request: Message<Request, RequestInput>,
    response: Message<Response, ResponseInput>,
    options: { readonly version: number; readonly timeoutMs: number },
    body: RequestInput,
  ): Promise<Response> {
    if (this.isClosed) return Promise.reject(new NoAnswer("the connection is closed"));
    const { version, timeoutMs } = options;
    return new Promise((resolve, reject) => {
      const correlationId = this.#send(request, version, body);
      const cancel = this.#place.clock.after(timeoutMs, () => {
        this.close(`no answer within ${timeoutMs} ms`);
      });
      this.#waiting.push({
        correlationId,
        read: (frame) => {
          cancel();
          const answer = readResponse(response, version, frame);
          if (answer instanceof DecodeError) throw answer;
          if (answer.correlationId !== correlationId) {
            throw new Error(`an answer to ${answer.correlationId}, not to ${correlationId}`);
          }
          resolve(answer.body);
        },
        fail: (error) => {
          cancel();
          reject(error);
        },
      });
    });
  }

  /** For what has no answer: produce with acks=0. */
  send<Request, RequestInput>(
    request: Message<Request, RequestInput>,
    version: number,
    body: RequestInput,
  ): void {
    if (!this.isClosed) this.#send(request, version, body);
  }

  close(why: string): void {
    if (this.isClosed) return;
    this.#connection.destroy();
    this.#closed(why);
  }

  #send<Request, RequestInput>(
    request: Message<Request, RequestInput>,
    version: number,
    body: RequestInput,
  ): number {
    const correlationId = this.#nextId++;
    const clientId = this.#place.process.name;
    const { parts } = writeRequestFrame(request, version, { correlationId, clientId }, body);
    this.#connection.write(parts as Uint8Array[], () => undefined);
    return correlationId;
  }

  #closed(why: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.fail(new NoAnswer(why));
  }

  #received(count: number): void {
    for (let at = 0; at < count;) {
      if (this.#frame === null) {
        this.#size[this.#sizeFilled++] = scratch[at++]!;
        if (this.#sizeFilled < 4) continue;
        const [a = 0, b = 0, c = 0, d = 0] = this.#size;
        this.#frame = new Uint8Array(((a << 24) | (b << 16) | (c << 8) | d) >>> 0);
        this.#frameFilled = 0;
        this.#sizeFilled = 0;
      }
      const frame = this.#frame;
      const taken = Math.min(count - at, frame.byteLength - this.#frameFilled);
      frame.set(scratch.subarray(at, at + taken), this.#frameFilled);
      this.#frameFilled += taken;
      at += taken;
      if (this.#frameFilled < frame.byteLength) return;
      this.#frame = null;
      const waiting = this.#waiting.shift();
      if (waiting === undefined) throw new Error("a response that nobody asked for");
      waiting.read(frame);
      if (this.isClosed) return;
    }
  }
}
