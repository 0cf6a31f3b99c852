// Memory for frames. Buffers come in powers of two and are kept for the next frame of their class, so that a steady load allocates nothing. A budget
// bounds what is lent; whoever finds it spent waits in line, its socket paused. Small frames have a line and a quarter of the budget of their own:
// else a large frame that is slow to arrive, or waits to be admitted, would hold up every heartbeat and fetch behind it.

const smallestClassBytes = 1024;
const largestClassBytes = 16 * 1024 * 1024;
const smallFrameBytes = 64 * 1024;

/** A frame lies at the start of `memory`, which is the whole buffer of its class. A view of just the frame costs as much as reading a small request. */
export class Frame {
  readonly memory: Buffer;
  readonly byteLength: number;
  isLent = true;

  constructor(memory: Buffer, byteLength: number) {
    this.memory = memory;
    this.byteLength = byteLength;
  }

  /** Exactly as long as the frame. */
  get bytes(): Uint8Array {
    return this.memory.subarray(0, this.byteLength);
  }
}

export type FramePoolLimits = {
  readonly frameBudgetBytes: number;
  readonly retainedFrameBytes: number;
};

type Waiter = { readonly sizeBytes: number; readonly granted: (frame: Frame) => void };
type Line = { lentBytes: number; readonly budgetBytes: number; readonly waiting: Set<Waiter> };

/** What lending a frame of this size costs: the size of its class. */
export function frameCost(sizeBytes: number): number {
  if (sizeBytes > largestClassBytes) return sizeBytes;
  if (sizeBytes <= smallestClassBytes) return smallestClassBytes;
  return 2 ** (32 - Math.clz32(sizeBytes - 1));
}

export class FramePool {
  readonly #small: Line;
  readonly #large: Line;
  readonly #free = new Map<number, Buffer[]>();
  readonly #retainableBytes: number;
  #retainedBytes = 0;
  #isGranting = false;
  #hasChanged = false;

  constructor({ frameBudgetBytes, retainedFrameBytes }: FramePoolLimits) {
    const smallBytes = Math.floor(frameBudgetBytes / 4);
    this.#small = { lentBytes: 0, budgetBytes: smallBytes, waiting: new Set() };
    this.#large = {
      lentBytes: 0,
      budgetBytes: frameBudgetBytes - smallBytes,
      waiting: new Set(),
    };
    this.#retainableBytes = retainedFrameBytes;
  }

  get lentBytes(): number {
    return this.#small.lentBytes + this.#large.lentBytes;
  }

  get retainedBytes(): number {
    return this.#retainedBytes;
  }

  get waitingCount(): number {
    return this.#small.waiting.size + this.#large.waiting.size;
  }

  /** A frame now, or null: then wait with `whenFree`. */
  lend(sizeBytes: number): Frame | null {
    const line = this.#lineFor(sizeBytes);
    return line.waiting.size === 0 && admits(line, sizeBytes) ? this.#take(line, sizeBytes) : null;
  }

  /** Gives a frame as soon as it is this caller's turn. The returned function leaves the line. */
  whenFree(sizeBytes: number, granted: (frame: Frame) => void): () => void {
    const line = this.#lineFor(sizeBytes);
    const waiter = { sizeBytes, granted };
    line.waiting.add(waiter);
    return () => {
      // Those behind one who leaves may fit where it did not.
      if (line.waiting.delete(waiter)) this.#grant();
    };
  }

  giveBack(frame: Frame): void {
    if (!frame.isLent) return;
    frame.isLent = false;
    const { byteLength } = frame;
    this.#lineFor(byteLength).lentBytes -= frameCost(byteLength);
    this.#retain(frame.memory);
    this.#grant();
  }

  #take(line: Line, sizeBytes: number): Frame {
    const cost = frameCost(sizeBytes);
    line.lentBytes += cost;
    let memory = this.#free.get(cost)?.pop();
    if (memory === undefined) {
      // Not from Node's own pool; every byte that is read was received before.
      memory = Buffer.allocUnsafeSlow(cost);
    } else {
      this.#retainedBytes -= cost;
    }
    return new Frame(memory, sizeBytes);
  }

  #retain(memory: Buffer): void {
    const cost = memory.byteLength;
    if (cost > largestClassBytes || this.#retainedBytes + cost > this.#retainableBytes) return;
    const free = this.#free.get(cost);
    if (free === undefined) this.#free.set(cost, [memory]);
    else free.push(memory);
    this.#retainedBytes += cost;
  }

  /** A loop, not a recursion: a granted frame may be handled and given back within the call. */
  #grant(): void {
    this.#hasChanged = true;
    if (this.#isGranting) return;
    this.#isGranting = true;
    try {
      while (this.#hasChanged) {
        this.#hasChanged = false;
        this.#grantInLine(this.#small);
        this.#grantInLine(this.#large);
      }
    } finally {
      this.#isGranting = false;
    }
  }

  #grantInLine(line: Line): void {
    for (const waiter of line.waiting) {
      if (!admits(line, waiter.sizeBytes)) return;
      line.waiting.delete(waiter);
      waiter.granted(this.#take(line, waiter.sizeBytes));
    }
  }

  #lineFor(sizeBytes: number): Line {
    return sizeBytes <= smallFrameBytes ? this.#small : this.#large;
  }
}

function admits(line: Line, sizeBytes: number): boolean {
  return line.lentBytes === 0 || line.lentBytes + frameCost(sizeBytes) <= line.budgetBytes;
}
