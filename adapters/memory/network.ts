// Connections within one process, with what matters of TCP: bytes arrive later and in order, a pipe holds a bounded number of them, and what does not fit
// stays in the writer's memory until it does.
import type { Clock } from "../../ports/clock.ts";
import type { Address, Connection, Listener, Network, Reader } from "../../ports/network.ts";
import { NetworkError } from "../../ports/network.ts";
import type { Pipe } from "./pipe.ts";
import { createPipe } from "./pipe.ts";

export type MemoryNetwork = Network & {
  /** Looks again at `isCut`: what was held moves on. */
  recheck(): void;
  /** Breaks every open connection that `chosen` (all, by default) picks, as a reset does: bytes under way are lost. */
  reset(chosen?: (local: Address, remote: Address) => boolean): void;
};

export type MemoryNetworkOptions = {
  /** Runs a delivery later; setImmediate by default. */
  schedule?: (run: () => void) => void;
  /** Bytes that a connection holds in each direction besides the writer's own; 256 KiB by default, about what loopback does. */
  pipeBytes?: number;
  /** For delays, and for dials that nobody answers. */
  clock?: Clock;
  /** How long the next delivery takes. Needs a clock. */
  delayMs?: () => number;
  /** While true, nothing passes from `from` to `to`, and dials find no answer. */
  isCut?: (from: Address, to: Address) => boolean;
};

type Context = {
  later: (run: () => void) => void;
  pipeBytes: number;
  isCut: (from: Address, to: Address) => boolean;
  open: Set<MemoryConnection>;
};

export function createMemoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  const { clock, delayMs } = options;
  const schedule = options.schedule ?? setImmediate;
  const context: Context = {
    later(run) {
      const ms = delayMs?.() ?? 0;
      if (clock !== undefined && ms > 0) clock.after(ms, run);
      else schedule(run);
    },
    pipeBytes: options.pipeBytes ?? 256 * 1024,
    isCut: options.isCut ?? (() => false),
    open: new Set(),
  };
  const listeners = new Map<number, BoundListener>();
  let nextPort = 49_152;
  const freePort = (): number => {
    while (listeners.has(nextPort)) nextPort++;
    return nextPort++;
  };
  return {
    async listen(address, onConnection) {
      const port = address.port === 0 ? freePort() : address.port;
      if (listeners.has(port)) throw new NetworkError("inUse", `port ${port} is in use`);
      return bind(listeners, { host: address.host, port }, onConnection);
    },
    dial(address, { timeoutMs }) {
      const from = { host: "127.0.0.1", port: freePort() };
      const connect = (): Connection => connectTo(context, listeners.get(address.port), from);
      if (!context.isCut(from, address)) return settleLater(context, connect);
      return new Promise((_resolve, reject) => {
        const message = `no answer from ${address.host}:${address.port}`;
        clock?.after(timeoutMs, () => reject(new NetworkError("timedOut", message)));
      });
    },
    recheck() {
      for (const connection of context.open) connection.deliverLater();
    },
    reset(chosen = () => true) {
      for (const connection of context.open) {
        if (chosen(connection.local, connection.remote)) connection.reset();
      }
    },
  };
}

type BoundListener = { address: Address; onConnection: (connection: Connection) => void };

function bind(
  listeners: Map<number, BoundListener>,
  address: Address,
  onConnection: (connection: Connection) => void,
): Listener {
  const bound = { address, onConnection };
  listeners.set(address.port, bound);
  return {
    address,
    async close() {
      if (listeners.get(address.port) === bound) listeners.delete(address.port);
    },
  };
}

function settleLater<T>({ later }: Context, work: () => T): Promise<T> {
  return new Promise((resolve) => later(() => resolve(undefined))).then(work);
}

function connectTo(
  context: Context,
  listener: BoundListener | undefined,
  from: Address,
): Connection {
  if (listener === undefined) throw new NetworkError("refused", "nobody listens there");
  const there = createPipe(context.pipeBytes);
  const back = createPipe(context.pipeBytes);
  const client = new MemoryConnection(context, { local: from, remote: listener.address });
  const server = new MemoryConnection(context, { local: listener.address, remote: from });
  client.attach({ peer: server, incoming: back, outgoing: there });
  server.attach({ peer: client, incoming: there, outgoing: back });
  listener.onConnection(server);
  return client;
}

type Ends = { peer: MemoryConnection; incoming: Pipe; outgoing: Pipe };

class MemoryConnection implements Connection {
  readonly local: Address;
  readonly remote: Address;
  readonly #context: Context;
  #ends: Ends | null = null;
  #reader: Reader | null = null;
  #isPaused = false;
  #isEnded = false;
  #closed: { error: NetworkError | null } | null = null;

  constructor(context: Context, addresses: { local: Address; remote: Address }) {
    this.#context = context;
    this.local = addresses.local;
    this.remote = addresses.remote;
    context.open.add(this);
  }

  attach(ends: Ends): void {
    this.#ends = ends;
  }

  start(reader: Reader): void {
    if (this.#reader !== null) throw new Error("a connection is started once");
    this.#reader = reader;
    if (this.#closed === null) this.deliverLater();
    else this.#reportClosedLater();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.deliverLater();
  }

  write(chunks: readonly Uint8Array[], taken: () => void): boolean {
    if (this.#ends === null || this.#isEnded || this.#closed !== null) return true;
    const isTaken = this.#ends.outgoing.write(chunks, taken);
    this.#ends.peer.deliverLater();
    return isTaken;
  }

  end(): void {
    if (this.#ends === null || this.#isEnded || this.#closed !== null) return;
    this.#isEnded = true;
    this.#ends.outgoing.end();
    this.#ends.peer.deliverLater();
    // What the peer still sends is dropped.
    this.deliverLater();
  }

  destroy(): void {
    if (this.#ends === null || this.#closed !== null) return;
    const { outgoing, peer } = this.#ends;
    this.#isEnded = true;
    outgoing.cut();
    outgoing.end();
    this.#close(null);
    peer.deliverLater();
  }

  reset(): void {
    const error = new NetworkError("reset", "the connection was reset");
    this.#close(error);
    if (this.#ends !== null) this.#ends.peer.#close(error);
  }

  /** Hands over what is there, after a while. Several of these may be under way: each takes what it finds, so order is kept. */
  deliverLater(): void {
    this.#context.later(() => this.#deliver());
  }

  #deliver(): void {
    if (this.#ends === null || this.#closed !== null) return;
    const { incoming, peer } = this.#ends;
    if (this.#context.isCut(this.remote, this.local)) return;
    while (incoming.heldBytes() > 0) {
      if (this.#isEnded) incoming.discard();
      else if (this.#reader === null || this.#isPaused) return;
      else {
        const count = incoming.read(this.#reader.buffer());
        this.#reader.received(count);
      }
      if (this.#closed !== null) return;
    }
    if (!incoming.isAtEnd() || (this.#isPaused && !this.#isEnded)) return;
    // As the adapter for node:net: no half-open connections. What we have written goes out first, unless nobody is there to take it.
    this.end();
    if (peer.#closed !== null || this.#ends.outgoing.isAtEnd()) {
      this.#close(null);
      peer.deliverLater();
    }
  }

  #close(error: NetworkError | null): void {
    if (this.#closed !== null) return;
    this.#closed = { error };
    this.#context.open.delete(this);
    this.#ends?.outgoing.cut();
    if (this.#reader !== null) this.#reportClosedLater();
  }

  #reportClosedLater(): void {
    this.#context.later(() => this.#reader?.closed(this.#closed?.error ?? null));
  }
}
