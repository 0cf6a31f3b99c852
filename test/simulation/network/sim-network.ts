import type { Address, Connection, Listener, Network } from "../../../ports/network.ts";
import { NetworkError } from "../../../ports/network.ts";
import type { SimHost } from "../machine/sim-host.ts";
import type { SimProcess } from "../machine/sim-process.ts";
import type { Stream } from "../world/random-streams.ts";
import type { World } from "../world/world.ts";
import type { Flow } from "./flow.ts";
import { SimConnection } from "./sim-connection.ts";

type Bound = {
  readonly process: SimProcess;
  readonly address: Address;
  readonly onConnection: (connection: Connection) => void;
  isClosed: boolean;
};

type Interface = {
  readonly host: SimHost;
  readonly bound: Map<number, Bound>;
  /** When what it sends now can leave: its bandwidth is shared by all connections. */
  freeAtMs: number;
  nextPort: number;
};

/** All hosts and what lies between them. TCP as far as programs can tell: in order within a connection, not among them; late, never lost, until it is cut. */
export class SimNetwork {
  readonly world: World;
  readonly stream: Stream;
  readonly #interfaces = new Map<string, Interface>();
  readonly #latencies = new Map<string, number>();
  /** "from>to" by how many reasons it is blocked for. */
  readonly #blocked = new Map<string, number>();
  /** Flows with something that could not get through. */
  readonly #stuck = new Set<Flow>();
  readonly #open = new Set<SimConnection>();
  readonly #bytesPerMs: number;
  /** How long TCP sends in vain before it gives a connection up. */
  readonly giveUpMs: number;
  /** A script's say in how much later than it would bytes arrive, asked about each segment. */
  delayer: ((from: SimConnection, bytes: Uint8Array) => number) | null = null;

  constructor(world: World) {
    this.world = world;
    this.stream = world.stream("network");
    this.#bytesPerMs = this.stream.pick([1_250_000, 125_000, 12_500]);
    this.giveUpMs = this.stream.pick([15_000, 60_000, 900_000]);
  }

  addHost(host: SimHost): void {
    const nextPort = 49_152;
    this.#interfaces.set(host.name, { host, bound: new Map(), freeAtMs: 0, nextPort });
    // What was sent to it in vain has an answer now.
    host.onHostEvent({ booted: () => this.#retry(1_000) });
  }

  attach(process: SimProcess): Network {
    return {
      listen: (address, onConnection) => this.#listen(process, address, onConnection),
      dial: (address, { timeoutMs }) => this.#dial(process, address, timeoutMs),
    };
  }

  /** Nothing passes from one host to the other until the result is called. Blocks may overlap. */
  block(from: SimHost, to: SimHost): () => void {
    const key = `${from.name}>${to.name}`;
    this.#blocked.set(key, (this.#blocked.get(key) ?? 0) + 1);
    const sinceMs = this.world.nowMs;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#blocked.get(key) ?? 1) - 1;
      if (left > 0) this.#blocked.set(key, left);
      else this.#blocked.delete(key);
      this.#retry(this.world.nowMs - sinceMs);
    };
  }

  isBlocked(from: SimHost, to: SimHost): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(`${from.name}>${to.name}`);
  }

  get connectionCount(): number {
    return this.#open.size;
  }

  /** Resets the open connections of a host, or those that `chosen` picks. */
  reset(chosen: (connection: SimConnection) => boolean): void {
    for (const connection of Array.from(this.#open)) if (chosen(connection)) connection.breakBoth();
  }

  /** How long a segment takes from one host to the other, its queueing included. */
  travelMs(from: SimHost, to: SimHost, byteLength: number): number {
    const base = this.#latencyOf(from, to);
    const jitter = this.stream.wait(base * 0.2);
    if (byteLength < 1_000) return base + jitter;
    const sender = this.#interfaces.get(from.name)!;
    const { nowMs } = this.world;
    sender.freeAtMs = Math.max(sender.freeAtMs, nowMs) + byteLength / this.#bytesPerMs;
    return base + jitter + (sender.freeAtMs - nowMs);
  }

  noteStuck(flow: Flow): void {
    this.#stuck.add(flow);
  }

  noteOpen(connection: SimConnection): void {
    this.#open.add(connection);
  }

  noteClosed(connection: SimConnection): void {
    this.#open.delete(connection);
  }

  #latencyOf(from: SimHost, to: SimHost): number {
    if (from === to) return 0.03;
    const key = `${from.name}>${to.name}`;
    let latency = this.#latencies.get(key);
    if (latency === undefined) {
      const [least, most] = from.zone === to.zone ? [0.1, 0.4] : [0.4, 2];
      latency = this.world.stream(`link ${key}`).between(least, most);
      this.#latencies.set(key, latency);
    }
    return latency;
  }

  /** What was held up is sent again, each connection when its own retransmission timer says so: up to as long after as the outage was. */
  #retry(outageMs: number): void {
    const flows = Array.from(this.#stuck);
    this.#stuck.clear();
    for (const flow of flows) {
      const delayMs = this.stream.between(0.2, Math.min(Math.max(outageMs, 1), 20_000));
      this.world.schedule(delayMs, "network", () => flow.retry());
    }
  }

  async #listen(
    process: SimProcess,
    address: Address,
    onConnection: (connection: Connection) => void,
  ): Promise<Listener> {
    const own = this.#interfaceOf(process.host);
    const port = address.port === 0 ? freePort(own) : address.port;
    if (own.bound.has(port)) throw new NetworkError("inUse", `port ${port} is in use`);
    const bound: Bound = {
      process,
      address: { host: address.host, port },
      onConnection,
      isClosed: false,
    };
    own.bound.set(port, bound);
    const unbind = (): void => {
      bound.isClosed = true;
      if (own.bound.get(port) === bound) own.bound.delete(port);
    };
    process.onEnd(unbind);
    return {
      address: bound.address,
      async close() {
        unbind();
      },
    };
  }

  #dial(process: SimProcess, address: Address, timeoutMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const { faults } = this.world;
      const target = this.#interfaces.get(resolveHost(process.host, address.host));
      const fail = (code: "refused" | "timedOut" | "io", afterMs: number): void => {
        const error = new NetworkError(code, `${address.host}:${address.port}: ${code}`);
        this.world.schedule(afterMs, "network", () => process.deliver(() => reject(error)));
      };
      if (target === undefined) return fail("io", 1);
      if (faults.strikes("network.dialTimesOut")) return fail("timedOut", timeoutMs);
      const there = this.travelMs(process.host, target.host, 0);
      this.world.schedule(there, "network", () => {
        const isDeaf =
          !target.host.isUp ||
          this.isBlocked(process.host, target.host) ||
          this.isBlocked(target.host, process.host);
        if (isDeaf) return fail("timedOut", Math.max(0, timeoutMs - there));
        const back = this.travelMs(target.host, process.host, 0);
        const bound = target.bound.get(address.port);
        if (bound === undefined || faults.strikes("network.dialRefused"))
          return fail("refused", back);
        if (there + back > timeoutMs) return fail("timedOut", Math.max(0, timeoutMs - there));
        this.#connect(process, bound, { back, there, established: resolve });
      });
    });
  }

  #connect(
    process: SimProcess,
    bound: Bound,
    {
      back,
      there,
      established,
    }: { back: number; there: number; established: (connection: Connection) => void },
  ): void {
    if (process.isDead) return;
    const local = { host: process.host.name, port: freePort(this.#interfaceOf(process.host)) };
    const { client, server } = SimConnection.pair(this, {
      client: { process, address: local },
      server: { process: bound.process, address: bound.address },
    });
    this.world.schedule(back, "network", () => process.deliver(() => established(client)));
    client.holdUntil(back + there);
    server.holdUntil(back);
    this.world.schedule(back + there, "network", () => {
      bound.process.deliver(() => {
        if (bound.isClosed) server.destroy();
        else bound.onConnection(server);
      });
    });
  }

  #interfaceOf(host: SimHost): Interface {
    const found = this.#interfaces.get(host.name);
    if (found === undefined) throw new Error(`${host.name} is not on the network`);
    return found;
  }
}

function freePort(own: Interface): number {
  own.nextPort = own.nextPort >= 65_000 ? 49_152 : own.nextPort + 1;
  while (own.bound.has(own.nextPort)) own.nextPort++;
  return own.nextPort;
}

function resolveHost(own: SimHost, name: string): string {
  return name === "127.0.0.1" || name === "localhost" ? own.name : name;
}
