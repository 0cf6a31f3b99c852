import type { Address, Connection, NetworkErrorCode, Reader } from "../../../ports/network.ts";
import { NetworkError } from "../../../ports/network.ts";
import type { SimProcess } from "../machine/sim-process.ts";
import { Flow } from "./flow.ts";
import type { SimNetwork } from "./sim-network.ts";

type EndOptions = { readonly process: SimProcess; readonly address: Address };

/** How long an ended connection waits for the other side's end, as adapters/node does. */
const lingerMs = 1_000;
const slowReadBytes = 512;

/** One end of a connection, as its process sees it. */
export class SimConnection implements Connection {
  readonly local: Address;
  readonly remote: Address;
  readonly process: SimProcess;
  readonly #network: SimNetwork;
  #peer!: SimConnection;
  #incoming!: Flow;
  #outgoing!: Flow;
  #reader: Reader | null = null;
  /** Given ahead of the bytes: adapters that read into buffers ask right after the read before. */
  #buffer: Uint8Array | null = null;
  #asksAhead = false;
  #isSlow = false;
  #isPaused = false;
  #isEnded = false;
  #isReading = false;
  #isReadScheduled = false;
  /** Its process has been told, or will be. */
  isClosed = false;
  /** Its process is gone, and the kernel has forgotten it. */
  isGone = false;
  #closing: NetworkError | null = null;
  readonly #leaveProcess: () => void;

  private constructor(network: SimNetwork, own: EndOptions, other: EndOptions) {
    this.#network = network;
    this.process = own.process;
    this.local = own.address;
    this.remote = other.address;
    this.#asksAhead = network.stream.chance(0.5);
    this.#isSlow = network.world.faults.strikes("network.slowReader");
    network.noteOpen(this);
    const forgets = [
      own.process.onEnd(() => this.#processEnded()),
      own.process.onResume(() => this.readable()),
    ];
    this.#leaveProcess = () => {
      for (const forget of forgets) forget();
    };
  }

  static pair(
    network: SimNetwork,
    ends: { client: EndOptions; server: EndOptions },
  ): { client: SimConnection; server: SimConnection } {
    const client = new SimConnection(network, ends.client, ends.server);
    const server = new SimConnection(network, ends.server, ends.client);
    const windowBytes = network.stream.pick([16, 64, 256, 1_024]) * 1_024;
    client.#attach(server, new Flow(network, windowBytes));
    server.#attach(client, new Flow(network, windowBytes));
    client.#incoming = server.#outgoing;
    server.#incoming = client.#outgoing;
    return { client, server };
  }

  #attach(peer: SimConnection, outgoing: Flow): void {
    this.#peer = peer;
    this.#outgoing = outgoing;
    outgoing.from = this;
    outgoing.to = peer;
  }

  holdUntil(delayMs: number): void {
    this.#outgoing.holdUntil(delayMs);
  }

  start(reader: Reader): void {
    if (this.#reader !== null) throw new Error("a connection is started once");
    this.#reader = reader;
    if (this.isClosed) this.#reportClosed();
    else this.#readLater();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#readLater();
  }

  write(chunks: readonly Uint8Array[], taken: () => void): boolean {
    if (this.isClosed || this.#isEnded) return true;
    return this.#outgoing.write(chunks, taken);
  }

  end(): void {
    if (this.isClosed || this.#isEnded) return;
    this.#isEnded = true;
    this.#outgoing.end();
    this.#incoming.discardReceived();
    this.#network.world.schedule(lingerMs, "network", () => this.#linger());
    this.#readLater();
  }

  destroy(): void {
    if (this.isClosed) return;
    this.#sayGoodbye();
    this.#close(null);
  }

  /** The kernel has taken all, and the end of it. */
  endTaken(): void {
    this.process.deliver(() => this.#closeAtEnd());
  }

  /** Something has come, or may be read now. */
  readable(): void {
    if (this.isClosed || this.#isReadScheduled) return;
    if (!this.process.isRunning) return;
    this.process.deliver(() => this.#read());
  }

  /** The connection is cut in the middle: both ends learn of it, as resets, when it gets to them. */
  breakBoth(): void {
    for (const end of [this, this.#peer]) {
      const delayMs = this.#network.stream.between(0, 2);
      this.#network.world.schedule(delayMs, "network", () => end.fail("reset"));
    }
  }

  fail(code: NetworkErrorCode): void {
    if (this.isClosed || this.isGone) return;
    // What the kernel had is gone with the connection; nobody answers for it any more.
    this.#close(new NetworkError(code, `the connection to ${this.remote.host}: ${code}`));
  }

  #processEnded(): void {
    if (this.isClosed) return;
    if (this.process.host.isUp) this.#sayGoodbye();
    else this.#outgoing.sever(this.#network.stream.between(0, 1));
    this.isGone = true;
    this.#network.noteClosed(this);
  }

  /** What a kernel does for a socket that is closed: the end behind what it has taken, or a reset if bytes came that nobody read. */
  #sayGoodbye(): void {
    const isRude = this.#incoming.receivedBytes > 0;
    for (const taken of this.#outgoing.giveUp()) this.#tellTaken(taken);
    if (!isRude) return this.#outgoing.end();
    const peer = this.#peer;
    const { host } = this.process;
    const delayMs = this.#network.travelMs(host, peer.process.host, 0);
    this.#network.world.schedule(delayMs, "network", () => {
      if (!this.#network.isBlocked(host, peer.process.host)) peer.fail("reset");
    });
  }

  #tellTaken(taken: () => void): void {
    this.#network.world.schedule(0, "network", () => this.process.deliver(taken));
  }

  #linger(): void {
    if (!this.isClosed && !this.isGone) this.#close(null);
  }

  #readLater(): void {
    if (this.#isReading || this.isClosed) return;
    this.#network.world.schedule(0.001, "network", () => this.readable());
  }

  #read(): void {
    if (this.#isReading || this.isClosed) return;
    this.#isReading = true;
    while (this.#incoming.receivedBytes > 0 && !this.isClosed) {
      if (this.#isEnded) {
        this.#incoming.discardReceived();
        break;
      }
      if (this.#reader === null || this.#isPaused) break;
      this.#readOnce(this.#reader);
      if (this.#isSlow) {
        this.#readSlowly();
        break;
      }
    }
    this.#isReading = false;
    this.#closeAtEnd();
  }

  #readOnce(reader: Reader): void {
    const buffer = this.#buffer ?? reader.buffer();
    this.#buffer = null;
    const target = this.#isSlow ? buffer.subarray(0, slowReadBytes) : buffer;
    const count = this.#incoming.read(target);
    reader.received(count);
    if (this.#asksAhead && !this.#isPaused && !this.isClosed && !this.#isEnded) {
      this.#buffer = reader.buffer();
    }
  }

  #readSlowly(): void {
    this.#isReadScheduled = true;
    this.#network.world.schedule(this.#network.stream.between(20, 200), "network", () => {
      this.#isReadScheduled = false;
      this.readable();
    });
  }

  /** The other side sends no more, and all of it was read: this side ends as well, as no half-open connections are allowed. */
  #closeAtEnd(): void {
    if (this.isClosed || !this.#incoming.isEndReceived || this.#incoming.receivedBytes > 0) return;
    if (this.#reader === null || (this.#isPaused && !this.#isEnded)) return;
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#outgoing.end();
    }
    if (this.#outgoing.isEndSent || this.#peer.isClosed || this.#peer.isGone) this.#close(null);
  }

  #close(error: NetworkError | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#closing = error;
    this.#leaveProcess();
    this.#network.noteClosed(this);
    for (const taken of this.#outgoing.giveUp()) this.#tellTaken(taken);
    if (this.#reader !== null) this.#reportClosed();
  }

  #reportClosed(): void {
    const { world } = this.#network;
    world.schedule(0.001, "network", () =>
      this.process.deliver(() => this.#reader?.closed(this.#closing)),
    );
  }
}
