/** Something that happens at one moment of simulated time. */
export type SimEvent = {
  readonly atMs: number;
  readonly sequence: number;
  readonly kind: number;
  readonly run: () => void;
  /** Taken out to be run, or cancelled. */
  isGone: boolean;
};

/**
 * A binary heap ordered by time, then by the order of adding, so that a run repeats exactly. Cancelled events are dropped as they surface, and all at once
 * when they outnumber the others: nearly every request's time limit is cancelled.
 */
export type EventQueue = {
  add(atMs: number, kind: number, run: () => void): SimEvent;
  cancel(event: SimEvent): void;
  /** Takes out the earliest; null if there is none at or before `untilMs`. */
  take(untilMs: number): SimEvent | null;
  /** When the earliest falls due, or Infinity. */
  nextMs(): number;
  readonly size: number;
};

export function createEventQueue(): EventQueue {
  let heap: SimEvent[] = [];
  let nextSequence = 0;
  let cancelledCount = 0;

  function dropCancelled(): void {
    // Sorted is a heap too.
    heap = heap.filter((event) => !event.isGone).sort((a, b) => (isBefore(a, b) ? -1 : 1));
    cancelledCount = 0;
  }

  function earliest(): SimEvent | undefined {
    for (let first = heap[0]; first !== undefined; first = heap[0]) {
      if (!first.isGone) return first;
      removeFirst(heap);
      cancelledCount--;
    }
    return undefined;
  }

  return {
    add(atMs, kind, run) {
      const event: SimEvent = { atMs, sequence: nextSequence++, kind, run, isGone: false };
      siftUp(heap, event);
      return event;
    },
    cancel(event) {
      if (event.isGone) return;
      event.isGone = true;
      if (++cancelledCount > heap.length / 2 + 64) dropCancelled();
    },
    take(untilMs) {
      const event = earliest();
      if (event === undefined || event.atMs > untilMs) return null;
      removeFirst(heap);
      event.isGone = true;
      return event;
    },
    nextMs: () => earliest()?.atMs ?? Infinity,
    get size() {
      return heap.length - cancelledCount;
    },
  };
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

function siftUp(heap: SimEvent[], event: SimEvent): void {
  let index = heap.length;
  heap.push(event);
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex]!;
    if (!isBefore(event, parent)) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = event;
}

function removeFirst(heap: SimEvent[]): void {
  const last = heap.pop()!;
  const size = heap.length;
  if (size === 0) return;
  let index = 0;
  for (;;) {
    let childIndex = 2 * index + 1;
    if (childIndex >= size) break;
    let child = heap[childIndex]!;
    const rightIndex = childIndex + 1;
    if (rightIndex < size && isBefore(heap[rightIndex]!, child)) {
      child = heap[rightIndex]!;
      childIndex = rightIndex;
    }
    if (!isBefore(child, last)) break;
    heap[index] = child;
    index = childIndex;
  }
  heap[index] = last;
}
