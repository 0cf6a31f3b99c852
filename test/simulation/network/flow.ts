import type { SimNetwork } from "./sim-network.ts";
import type { SimConnection } from "./sim-connection.ts";

type Waiting = { readonly chunks: Uint8Array[]; readonly taken: () => void };

/** Bytes on their way, or the end of them. */
type Segment = { readonly bytes: Uint8Array | null };

/** One direction of a connection: what the writer still holds, what is under way, what the receiving kernel has. */
export class Flow {
  readonly #network: SimNetwork;
  readonly #windowBytes: number;
  readonly #waiting: Waiting[] = [];
  readonly #received: Uint8Array[] = [];
  readonly #held: Segment[] = [];
  from!: SimConnection;
  to!: SimConnection;
  receivedBytes = 0;
  /** Taken from the writer and not yet read at the other end. */
  #windowUsed = 0;
  /** Read there, but the acknowledgement cannot come back. */
  #unacknowledged = 0;
  #earliestMs = 0;
  #isEndWanted = false;
  isEndSent = false;
  /** Its sender's host lost power: what has not arrived by then never does. */
  #severedMs = Infinity;
  isEndReceived = false;
  #isTakeScheduled = false;
  #isGivingUp = false;

  constructor(network: SimNetwork, windowBytes: number) {
    this.#network = network;
    this.#windowBytes = windowBytes;
  }

  /** Nothing arrives within that time. */
  holdUntil(delayMs: number): void {
    this.#earliestMs = this.#network.world.nowMs + delayMs;
  }

  /** True: the kernel has it all. */
  write(chunks: readonly Uint8Array[], taken: () => void): boolean {
    const filled = chunks.filter((chunk) => chunk.byteLength > 0);
    if (filled.length === 0 || this.#isEndWanted) return true;
    const isLate = this.#network.world.faults.strikes("network.lateTaken");
    if (this.#waiting.length === 0 && !isLate) {
      const size = filled.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      if (this.#windowUsed + size <= this.#windowBytes) {
        this.#send(joined(filled, size));
        return true;
      }
    }
    this.#waiting.push({ chunks: filled, taken });
    if (isLate || this.#windowUsed < this.#windowBytes) this.#takeLater();
    return false;
  }

  /** No more is written; the end is sent behind what was. */
  end(): void {
    this.#isEndWanted = true;
    this.#sendEnd();
  }

  /** Gives the writer's memory back unsent; the calls that say so. */
  giveUp(): (() => void)[] {
    return this.#waiting.splice(0).map(({ taken }) => taken);
  }

  sever(afterMs: number): void {
    this.#severedMs = this.#network.world.nowMs + afterMs;
  }

  /** Fills `target`; the number of bytes. */
  read(target: Uint8Array): number {
    let count = 0;
    for (;;) {
      const next = this.#received[0];
      if (next === undefined || count === target.byteLength) break;
      const room = target.byteLength - count;
      if (next.byteLength <= room) {
        target.set(next, count);
        count += next.byteLength;
        this.#received.shift();
      } else {
        target.set(next.subarray(0, room), count);
        this.#received[0] = next.subarray(room);
        count += room;
      }
    }
    this.#consumed(count);
    return count;
  }

  discardReceived(): void {
    this.#received.length = 0;
    this.#consumed(this.receivedBytes);
  }

  /** What was held up goes on, if it can now. */
  retry(): void {
    this.#isGivingUp = false;
    const isAckOpen = !this.#network.isBlocked(this.to.process.host, this.from.process.host);
    if (isAckOpen && this.#unacknowledged > 0) {
      this.#windowUsed -= this.#unacknowledged;
      this.#unacknowledged = 0;
      this.#takeLater();
    } else if (this.#unacknowledged > 0) this.#network.noteStuck(this);
    for (const segment of this.#held.splice(0)) this.#arrive(segment);
  }

  #consumed(count: number): void {
    this.receivedBytes -= count;
    if (this.#network.isBlocked(this.to.process.host, this.from.process.host)) {
      this.#unacknowledged += count;
      this.#network.noteStuck(this);
      return;
    }
    this.#windowUsed -= count;
    if (this.#waiting.length > 0) this.#takeLater();
  }

  #takeLater(): void {
    if (this.#isTakeScheduled || this.#waiting.length === 0) return;
    this.#isTakeScheduled = true;
    const { world, stream } = this.#network;
    const isLate = world.faults.strikes("network.lateTaken");
    const delayMs = isLate ? stream.logBetween(0.01, 20) : 0.001;
    world.schedule(delayMs, "network", () => {
      this.#isTakeScheduled = false;
      this.#take();
    });
  }

  /** Copies what fits only now: memory that its writer changes before it is told changes what is sent. */
  #take(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const room = this.#windowBytes - this.#windowUsed;
      if (room <= 0) return;
      const taken: Uint8Array[] = [];
      let size = 0;
      while (next.chunks.length > 0 && size < room) {
        const chunk = next.chunks[0]!;
        const count = Math.min(room - size, chunk.byteLength);
        taken.push(chunk.subarray(0, count));
        if (count === chunk.byteLength) next.chunks.shift();
        else next.chunks[0] = chunk.subarray(count);
        size += count;
      }
      this.#send(joined(taken, size));
      if (next.chunks.length > 0) return;
      this.#waiting.shift();
      const { taken: report } = next;
      this.from.process.deliver(report);
    }
    this.#sendEnd();
  }

  #sendEnd(): void {
    if (!this.#isEndWanted || this.isEndSent || this.#waiting.length > 0) return;
    this.isEndSent = true;
    this.#transmit({ bytes: null });
    this.from.endTaken();
  }

  #send(bytes: Uint8Array): void {
    this.#windowUsed += bytes.byteLength;
    this.#network.world.hash.addBytes(bytes);
    if (bytes.byteLength > 1 && this.#network.world.faults.strikes("network.split")) {
      const at = 1 + this.#network.stream.int(bytes.byteLength - 1);
      this.#transmit({ bytes: bytes.subarray(0, at) });
      this.#transmit({ bytes: bytes.subarray(at) });
    } else this.#transmit({ bytes });
  }

  #transmit(segment: Segment): void {
    const { world } = this.#network;
    const { faults } = world;
    if (faults.strikes("network.reset")) this.from.breakBoth();
    const from = this.from.process.host;
    let travelMs = this.#network.travelMs(from, this.to.process.host, segment.bytes?.length ?? 0);
    if (faults.strikes("network.delay"))
      travelMs += faults.stream("network.delay").between(200, 3_000);
    if (segment.bytes !== null) travelMs += this.#network.delayer?.(this.from, segment.bytes) ?? 0;
    this.#earliestMs = Math.max(this.#earliestMs, world.nowMs + travelMs);
    // At that very moment, which a difference of two times would miss by a rounding: then segments would overtake each other.
    world.scheduleAt(this.#earliestMs, "network", () => this.#arrive(segment));
  }

  #arrive(segment: Segment): void {
    const { world } = this.#network;
    if (world.nowMs >= this.#severedMs) return;
    const { host } = this.to.process;
    if ((this.to.isGone || this.to.isClosed) && host.isUp && !this.#isHeldUp()) {
      // Nobody will read it. The end of a stream needs no answer.
      if (segment.bytes !== null) this.#answerReset();
      return;
    }
    if (this.#isHeldUp() || !host.isUp || this.#held.length > 0) {
      this.#held.push(segment);
      this.#network.noteStuck(this);
      this.#giveUpLater();
      return;
    }
    if (segment.bytes === null) this.isEndReceived = true;
    else {
      this.#received.push(segment.bytes);
      this.receivedBytes += segment.bytes.byteLength;
    }
    this.to.readable();
  }

  #isHeldUp(): boolean {
    return this.#network.isBlocked(this.from.process.host, this.to.process.host);
  }

  /** The other end's kernel does not know the connection any more. */
  #answerReset(): void {
    const { world } = this.#network;
    const backMs = this.#network.travelMs(this.to.process.host, this.from.process.host, 0);
    world.schedule(backMs, "network", () => this.from.fail("reset"));
  }

  #giveUpLater(): void {
    if (this.#isGivingUp) return;
    this.#isGivingUp = true;
    this.#network.world.schedule(this.#network.giveUpMs, "network", () => {
      if (this.#isGivingUp && this.#held.length > 0) this.from.fail("timedOut");
    });
  }
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
