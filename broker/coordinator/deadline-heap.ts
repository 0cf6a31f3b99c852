/**
 * Deadlines by key, earliest first. A key has at most one deadline: setting a later one does nothing, because the key is woken at the earlier, looks
 * at its own fields and sets the next. So a heartbeat that only moves a deadline back costs nothing here.
 */
export type DeadlineHeap<Key> = {
  /** The key shall be woken at `atMs` or before. */
  wakeBy(key: Key, atMs: number): void;
  /** Earliest deadline set, or null. */
  nextMs(): number | null;
  /** Takes the next key due at `nowMs`, or null. */
  takeDue(nowMs: number): Key | null;
};

type Entry<Key> = { atMs: number; sequence: number; key: Key };

export function createDeadlineHeap<Key>(): DeadlineHeap<Key> {
  let heap: Entry<Key>[] = [];
  // An entry whose key is no longer mapped to it was overtaken by an earlier one and is dropped when it surfaces.
  const current = new Map<Key, Entry<Key>>();
  let sequence = 0;

  function dropOvertaken(): Entry<Key> | null {
    for (let top = heap[0]; top !== undefined; top = heap[0]) {
      if (current.get(top.key) === top) return top;
      removeTop(heap);
    }
    return null;
  }

  return {
    wakeBy(key, atMs) {
      const known = current.get(key);
      if (known !== undefined && known.atMs <= atMs) return;
      const entry = { atMs, sequence: sequence++, key };
      current.set(key, entry);
      insert(heap, entry);
      // Overtaken entries wait for their time to surface, which may be far: no more of them than of the others.
      if (heap.length > 2 * current.size + 64) heap = [...current.values()].sort(compare);
    },
    nextMs: () => dropOvertaken()?.atMs ?? null,
    takeDue(nowMs) {
      const top = dropOvertaken();
      if (top === null || top.atMs > nowMs) return null;
      removeTop(heap);
      current.delete(top.key);
      return top.key;
    },
  };
}

type Order = { readonly atMs: number; readonly sequence: number };

/** A sorted array is a heap, so this serves both. */
function compare(a: Order, b: Order): number {
  return a.atMs - b.atMs || a.sequence - b.sequence;
}

const isBefore = (a: Order, b: Order) => compare(a, b) < 0;

function insert<Key>(heap: Entry<Key>[], entry: Entry<Key>): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (parent === undefined || !isBefore(entry, parent)) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = entry;
}

function removeTop<Key>(heap: Entry<Key>[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let childIndex = 2 * index + 1;
    let child = heap[childIndex];
    if (child === undefined) break;
    const right = heap[childIndex + 1];
    if (right !== undefined && isBefore(right, child)) {
      childIndex += 1;
      child = right;
    }
    if (!isBefore(child, last)) break;
    heap[index] = child;
    index = childIndex;
  }
  heap[index] = last;
}
