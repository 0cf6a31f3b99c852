// Cuts what a peer sends into response frames, in memory that the next response reuses: one at a time is asked for, and read before the next.

const sizePrefixBytes = 4;
const startBytes = 64 * 1024;
/** Memory above this is let go of after the response that needed it. */
const keptBytes = 4 * 1024 * 1024;

export type ResponseFrames = {
  /** Where the next bytes go. */
  buffer(): Uint8Array;
  /** `count` bytes arrived. A complete frame (without its size, valid until `next`), null if more is to come, or why this is no frame. */
  received(count: number): Uint8Array | null | { readonly wrong: string };
  /** The last frame has been read; memory is free for the next. */
  next(): void;
};

export function createResponseFrames(maxFrameBytes: number): ResponseFrames {
  // Memory is asked for ahead of its bytes: while a frame lies in the real one, this is given, and holds the beginning of the next.
  const spare = Buffer.alloc(sizePrefixBytes);
  let memory = Buffer.allocUnsafeSlow(startBytes);
  let filled = 0;
  let isComplete = false;
  let hasGivenSpare = false;

  function growTo(size: number): void {
    const grown = Buffer.allocUnsafeSlow(size);
    memory.copy(grown, 0, 0, filled);
    memory = grown;
  }

  return {
    buffer() {
      hasGivenSpare = isComplete;
      return isComplete ? spare : memory.subarray(filled);
    },
    received(count) {
      if (isComplete) return { wrong: "a response nobody asked for" };
      if (hasGivenSpare) spare.copy(memory, filled, 0, count);
      filled += count;
      if (filled < sizePrefixBytes) return null;
      const size = memory.readInt32BE(0) + sizePrefixBytes;
      if (size < sizePrefixBytes || size > maxFrameBytes)
        return { wrong: `a response of ${size - sizePrefixBytes} bytes` };
      if (filled > size) return { wrong: "a response nobody asked for" };
      if (filled < size) {
        if (size > memory.length) growTo(size);
        return null;
      }
      isComplete = true;
      return memory.subarray(sizePrefixBytes, size);
    },
    next() {
      filled = 0;
      isComplete = false;
      if (memory.length > keptBytes) memory = Buffer.allocUnsafeSlow(startBytes);
    },
  };
}
