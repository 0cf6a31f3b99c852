// One TCP connection over node:net. Node's public server allocates a chunk for every read; the `onread` option reads into memory of ours, but is taken
// only by a constructor. So the socket that node:net hands over gives up its handle (`_handle`, undocumented) to a socket built here; where there
// is no such handle (TLS, other runtimes) each chunk is copied into the reader's memory instead.
import net from "node:net";
import type { Address, Connection, Reader } from "../../ports/network.ts";
import { toNetworkError } from "./network-error.ts";

/** How long a connection that we ended waits for the peer to close its side as well. */
const lingerMs = 1_000;

// Where bytes land while no reader may be asked: before start, while paused, and after end. libuv asks for memory, reads and calls back without
// anything between, so all connections share it.
const parking = new Uint8Array(16 * 1024);

type Handed = net.Socket & { _handle?: net.SocketConstructorOpts["handle"] | null };

export function createNodeConnection(
  accepted: net.Socket,
  { readsIntoBuffers }: { readsIntoBuffers: boolean },
): Connection {
  const local = { host: accepted.localAddress ?? "", port: accepted.localPort ?? 0 };
  const remote = { host: accepted.remoteAddress ?? "", port: accepted.remotePort ?? 0 };
  const handed: Handed = accepted;
  const handle = readsIntoBuffers ? handed._handle : undefined;
  if (handle === undefined || handle === null) {
    const connection = new NodeConnection(local, remote);
    accepted.on("data", (chunk: Uint8Array) => connection.receivedChunk(chunk));
    accepted.pause();
    connection.attach(accepted);
    return connection;
  }
  handed._handle = null;
  const connection = new NodeConnection(local, remote);
  const options = {
    handle,
    allowHalfOpen: false,
    pauseOnCreate: true,
    onread: {
      // Asked once at construction and again after every read (seen on Node 24), never just before one.
      buffer: (): Uint8Array => connection.nextBuffer(),
      callback: (count: number): boolean => connection.receivedDirectly(count),
    },
  };
  connection.attach(new net.Socket(options));
  return connection;
}

/** A write whose bytes the kernel had not taken when write returned. */
type PendingWrite = { taken: () => void };

const nothing = new Uint8Array(0);

/** Up to so many bytes, one copy costs less than a list of them handed to the kernel. */
const joinBytes = 4096;

/** The chunks as one if they are few bytes, as answers to small requests are; else null. */
function joinSmall(chunks: readonly Uint8Array[]): Uint8Array | null {
  if (chunks.length === 1) return chunks[0] ?? nothing;
  let size = 0;
  for (const chunk of chunks) size += chunk.byteLength;
  if (size > joinBytes) return null;
  const joined = Buffer.allocUnsafe(size);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.byteLength;
  }
  return joined;
}

class NodeConnection implements Connection {
  readonly local: Address;
  readonly remote: Address;
  #socket: net.Socket | undefined;
  #reader: Reader | null = null;
  #isPaused = false;
  #isEnded = false;
  #isClosed = false;
  #error: Error | null = null;
  /** True while the handle holds memory that the reader gave, false while it holds the parking place. */
  #isDirect = false;
  /** Bytes read that the reader has not been given: it paused in the middle of a chunk. */
  #leftover: Uint8Array | null = null;
  #isDeliveryScheduled = false;
  #lingerTimer: NodeJS.Timeout | undefined;
  readonly #pendingWrites = new Set<PendingWrite>();

  constructor(local: Address, remote: Address) {
    this.local = local;
    this.remote = remote;
  }

  attach(socket: net.Socket): void {
    this.#socket = socket;
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => this.#closed());
  }

  start(reader: Reader): void {
    if (this.#reader !== null) throw new Error("a connection is started once");
    this.#reader = reader;
    if (this.#isClosed) process.nextTick(() => this.#reportClosed());
    else this.#readOn();
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isEnded) this.#open()?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#reader !== null) this.#readOn();
  }

  write(chunks: readonly Uint8Array[], taken: () => void): boolean {
    const socket = this.#open();
    if (socket === null || this.#isEnded || !socket.writable) return true;
    const joined = joinSmall(chunks);
    if (joined === null) {
      socket.cork();
      for (const chunk of chunks) if (chunk.byteLength > 0) socket.write(chunk);
      socket.uncork();
    } else if (joined.byteLength > 0) socket.write(joined);
    // Node tries the write at once: nothing left in its queue means that the kernel has a copy of every byte.
    if (socket.writableLength === 0 || socket.destroyed) return true;
    const pending: PendingWrite = { taken };
    this.#pendingWrites.add(pending);
    // Called once everything before it is written. Most writes never come here, and a callback for each would be a turn of its own.
    socket.write(nothing, () => this.#taken(pending));
    return false;
  }

  end(): void {
    const socket = this.#open();
    if (socket === null || this.#isEnded) return;
    this.#isEnded = true;
    // Closing with unread bytes in the kernel sends a reset, which may overtake our last bytes at the peer. So its bytes are read and dropped until
    // it closes as well, or long enough after ours are sent.
    socket.once("finish", () => {
      this.#lingerTimer = setTimeout(() => socket.destroy(), lingerMs);
      this.#lingerTimer.unref();
    });
    this.#leftover = null;
    socket.end();
    socket.resume();
  }

  destroy(): void {
    this.#isEnded = true;
    this.#leftover = null;
    this.#open()?.destroy();
  }

  nextBuffer(): Uint8Array {
    this.#isDirect = this.#isReading() && this.#leftover === null;
    return this.#isDirect && this.#reader !== null ? this.#reader.buffer() : parking;
  }

  /** `count` bytes are in the memory that nextBuffer answered. False stops reading. */
  receivedDirectly(count: number): boolean {
    if (!this.#isDirect) this.receivedChunk(parking.subarray(0, count));
    else if (!this.#isEnded) this.#reader?.received(count);
    return this.#isEnded || !this.#isPaused;
  }

  receivedChunk(chunk: Uint8Array): void {
    if (this.#isEnded) return;
    let offset = 0;
    while (offset < chunk.byteLength && this.#isReading()) {
      const target = this.#reader?.buffer() ?? parking;
      const count = Math.min(target.byteLength, chunk.byteLength - offset);
      target.set(chunk.subarray(offset, offset + count));
      offset += count;
      this.#reader?.received(count);
    }
    if (offset < chunk.byteLength && !this.#isEnded) this.#leftover = chunk.slice(offset);
  }

  #isReading(): boolean {
    return this.#reader !== null && !this.#isPaused && !this.#isEnded;
  }

  /** Goes on reading: first what was read already, and that never within the caller's own call. */
  #readOn(): void {
    if (this.#leftover === null) {
      if (this.#isReading()) this.#open()?.resume();
      return;
    }
    if (this.#isDeliveryScheduled) return;
    this.#isDeliveryScheduled = true;
    process.nextTick(() => {
      this.#isDeliveryScheduled = false;
      const chunk = this.#leftover;
      if (chunk === null || !this.#isReading()) return;
      this.#leftover = null;
      this.receivedChunk(chunk);
      if (this.#leftover === null && this.#isReading()) this.#open()?.resume();
    });
  }

  #taken(pending: PendingWrite): void {
    if (this.#pendingWrites.delete(pending)) pending.taken();
  }

  #open(): net.Socket | null {
    const socket = this.#socket;
    return socket === undefined || socket.destroyed ? null : socket;
  }

  #closed(): void {
    this.#isClosed = true;
    clearTimeout(this.#lingerTimer);
    // The descriptor is closed: nothing reads from these any more.
    for (const pending of this.#pendingWrites) this.#taken(pending);
    if (this.#reader !== null) this.#reportClosed();
  }

  #reportClosed(): void {
    this.#reader?.closed(this.#error === null ? null : toNetworkError(this.#error));
  }
}
