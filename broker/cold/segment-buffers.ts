/** So many segments are built and put at a time, each in memory of its own. */
const buffersAtMost = 2;

/** Memory for one segment each, lent to as many as there are buffers; who comes then waits. */
export function createSegmentBuffers(bytes: number) {
  let lentCount = 0;
  const waiting: (() => void)[] = [];
  return {
    async take(): Promise<Uint8Array> {
      if (lentCount >= buffersAtMost) await new Promise<void>((go) => waiting.push(go));
      else lentCount += 1;
      // Not kept: most of the time nothing is being put, and zeroed pages cost nothing until they are written.
      return new Uint8Array(bytes);
    },
    give(_buffer: Uint8Array): void {
      const next = waiting.shift();
      if (next === undefined) lentCount -= 1;
      else next();
    },
  };
}
