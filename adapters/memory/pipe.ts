/** One direction of a connection: bytes the "kernel" holds, up to a bound, and behind them writes that still refer to the writer's memory. */
export type Pipe = {
  /** True if every byte was copied; else `taken` is called, later, once the rest has been, or is given up. */
  write(chunks: readonly Uint8Array[], taken: () => void): boolean;
  /** No more will be written. */
  end(): void;
  /** Gives up what is not yet copied. */
  cut(): void;
  heldBytes(): number;
  /** Whether everything was read and no more will come. */
  isAtEnd(): boolean;
  /** Fills `target` as far as there are bytes, and returns how many. */
  read(target: Uint8Array): number;
  discard(): void;
};

type Waiting = { chunk: Uint8Array; taken: (() => void) | null };

export function createPipe(capacityBytes: number): Pipe {
  const held: Uint8Array[] = [];
  const waiting: Waiting[] = [];
  let heldBytes = 0;
  let hasEnded = false;

  /** Copies what fits. */
  function fill(): void {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const room = capacityBytes - heldBytes;
      const count = Math.min(room, next.chunk.byteLength);
      if (count > 0) held.push(next.chunk.slice(0, count));
      heldBytes += count;
      if (count < next.chunk.byteLength) {
        next.chunk = next.chunk.subarray(count);
        return;
      }
      waiting.shift();
      if (next.taken !== null) queueMicrotask(next.taken);
    }
  }

  function read(target: Uint8Array): number {
    let count = 0;
    for (let next = held[0]; next !== undefined && count < target.byteLength; next = held[0]) {
      const part = next.subarray(0, target.byteLength - count);
      target.set(part, count);
      count += part.byteLength;
      if (part.byteLength === next.byteLength) held.shift();
      else held[0] = next.subarray(part.byteLength);
    }
    heldBytes -= count;
    fill();
    return count;
  }

  return {
    write(chunks, taken) {
      const filled = chunks.filter((chunk) => chunk.byteLength > 0);
      if (filled.length === 0 || hasEnded) return true;
      for (const chunk of filled) waiting.push({ chunk, taken: null });
      fill();
      const last = waiting.at(-1);
      if (last === undefined) return true;
      last.taken = taken;
      return false;
    },
    end() {
      hasEnded = true;
    },
    cut() {
      for (const { taken } of waiting.splice(0)) if (taken !== null) queueMicrotask(taken);
    },
    heldBytes: () => heldBytes,
    isAtEnd: () => hasEnded && heldBytes === 0 && waiting.length === 0,
    read,
    discard() {
      held.length = 0;
      heldBytes = 0;
      fill();
    },
  };
}
