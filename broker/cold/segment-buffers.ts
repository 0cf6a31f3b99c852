/** So many segments are built and put at a time, each in memory of its own. */
const buffersAtMost = 2;

export type SegmentBuffers = {
  /** Memory for one segment, whatever is in it; who comes when all are lent waits. */
  take(): Promise<Uint8Array>;
  give(buffer: Uint8Array): void;
  /**
   * Lets go of what is not lent. Buffers are kept while there is more to put (tens of MiB zeroed for each of a thousand small segments cost more than all the
   * rest), and most of the time there is nothing.
   */
  letGo(): void;
};

export function createSegmentBuffers(bytes: number): SegmentBuffers {
  let lentCount = 0;
  const waiting: (() => void)[] = [];
  const spare: Uint8Array[] = [];
  return {
    async take() {
      if (lentCount >= buffersAtMost) await new Promise<void>((go) => waiting.push(go));
      else lentCount += 1;
      return spare.pop() ?? new Uint8Array(bytes);
    },
    give(buffer) {
      spare.push(buffer);
      const next = waiting.shift();
      if (next === undefined) lentCount -= 1;
      else next();
    },
    letGo: () => void spare.splice(0),
  };
}
