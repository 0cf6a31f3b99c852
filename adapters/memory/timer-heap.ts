export type DueTimer = { dueMs: number; run: () => void };

type Timer = DueTimer & { sequence: number; isCancelled: boolean; isTaken: boolean };

export type TimerHeap = {
  /** Returns the function that cancels it. */
  add(dueMs: number, run: () => void): () => void;
  nextDueMs(): number | null;
  /** Takes out the earliest timer due at or before `nowMs`; of equal ones the one added first. */
  takeDue(nowMs: number): DueTimer | null;
  clear(): void;
};

/**
 * A binary heap ordered by due time, then by order of adding, so that a run repeats exactly. Cancelled timers are dropped as they surface, and all at
 * once when they outnumber the others: request timeouts are nearly always cancelled.
 */
export function createTimerHeap(): TimerHeap {
  let heap: Timer[] = [];
  let nextSequence = 0;
  let cancelledCount = 0;
  const dropCancelled = (): void => {
    // Sorted is a heap too.
    heap = heap.filter((timer) => !timer.isCancelled).toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
    cancelledCount = 0;
  };
  const earliest = (): Timer | null => {
    while (heap[0]?.isCancelled === true) {
      removeFirst(heap);
      cancelledCount--;
    }
    return heap[0] ?? null;
  };
  return {
    add(dueMs, run) {
      const timer: Timer = {
        dueMs,
        run,
        sequence: nextSequence++,
        isCancelled: false,
        isTaken: false,
      };
      heap.push(timer);
      siftUp(heap, heap.length - 1);
      return () => {
        if (timer.isCancelled || timer.isTaken) return;
        timer.isCancelled = true;
        if (++cancelledCount > heap.length / 2 + 64) dropCancelled();
      };
    },
    nextDueMs: () => earliest()?.dueMs ?? null,
    takeDue(nowMs) {
      const timer = earliest();
      if (timer === null || timer.dueMs > nowMs) return null;
      removeFirst(heap);
      timer.isTaken = true;
      return timer;
    },
    clear() {
      heap = [];
      cancelledCount = 0;
    },
  };
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}

function siftUp(heap: Timer[], from: number): void {
  let index = from;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!swapIfBefore(heap, index, parent)) return;
    index = parent;
  }
}

function removeFirst(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    const leftTimer = heap[left];
    if (leftTimer === undefined) return;
    const rightTimer = heap[left + 1];
    const child = rightTimer !== undefined && isBefore(rightTimer, leftTimer) ? left + 1 : left;
    if (!swapIfBefore(heap, child, index)) return;
    index = child;
  }
}

function swapIfBefore(heap: Timer[], child: number, parent: number): boolean {
  const childTimer = heap[child];
  const parentTimer = heap[parent];
  if (childTimer === undefined || parentTimer === undefined || !isBefore(childTimer, parentTimer)) {
    return false;
  }
  heap[child] = parentTimer;
  heap[parent] = childTimer;
  return true;
}
