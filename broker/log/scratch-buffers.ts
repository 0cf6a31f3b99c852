/** Buffers for small pieces on their way to a socket, used again and again. */
export type ScratchBuffers = {
  /** At least that many bytes. */
  take(byteLength: number): Uint8Array;
  give(buffer: Uint8Array): void;
};

const sizes = [16 * 1024, 256 * 1024];
/** Per size; more are left to the garbage collector. */
const keptBuffers = 32;

export function createScratchBuffers(): ScratchBuffers {
  const kept = sizes.map((): Uint8Array[] => []);
  return {
    take(byteLength) {
      const size = sizes.findIndex((bytes) => bytes >= byteLength);
      // Every byte handed out is overwritten by its taker first.
      if (size < 0) return Buffer.allocUnsafeSlow(byteLength);
      return kept[size]!.pop() ?? Buffer.allocUnsafeSlow(sizes[size]!);
    },
    give(buffer) {
      const buffers = kept[sizes.indexOf(buffer.length)];
      if (buffers !== undefined && buffers.length < keptBuffers) buffers.push(buffer);
    },
  };
}
