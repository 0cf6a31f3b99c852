import type { ProducerIdBlock } from "../metadata/commands/allocate-producer-ids.ts";

/** Producer ids, handed out one by one from blocks of the metadata log; what is left of a block when the broker ends is never used. */
export type ProducerIds = {
  /** The next id, or null while no block can be had. */
  next(): Promise<number | null>;
};

export function createProducerIds(allocate: () => Promise<ProducerIdBlock | null>): ProducerIds {
  let nextId = 0;
  let endId = 0;
  let refill: Promise<boolean> | null = null;

  async function fetchBlock(): Promise<boolean> {
    const block = await allocate();
    if (block === null) return false;
    nextId = block.first;
    endId = block.first + block.count;
    return true;
  }

  return {
    async next() {
      // Callers share one request for a block; whoever finds it used up by the others shares the next.
      while (nextId >= endId) {
        refill ??= fetchBlock().finally(() => {
          refill = null;
        });
        if (!(await refill)) return null;
      }
      return nextId++;
    },
  };
}
