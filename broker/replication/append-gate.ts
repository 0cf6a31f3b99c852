import type { LogStore } from "../log/log-store.ts";

/**
 * Who may append next. While the hot ring has room, appends run at once. When it has none, requests wait in the order they came, whole: a later
 * batch of the same producer must never be appended before an earlier one (its sequence numbers would be refused).
 */
export type AppendGate = {
  /** Runs `append` for each index below `count`, in order, waiting for room before those whose size does not fit. */
  run(
    count: number,
    sizeOf: (index: number) => number,
    append: (index: number) => void,
  ): Promise<void> | undefined;
};

export function createAppendGate(store: LogStore): AppendGate {
  let tail: Promise<void> | null = null;

  function appendWhileRoom(from: number, request: Request): number {
    let index = from;
    while (index < request.count && store.hasRoom(request.sizeOf(index))) request.append(index++);
    return index;
  }

  async function wait(from: number, request: Request, before: Promise<void> | null): Promise<void> {
    if (before !== null) await before;
    for (let index = from; index < request.count;) {
      await store.room(request.sizeOf(index));
      request.append(index++);
      index = appendWhileRoom(index, request);
    }
  }

  return {
    run(count, sizeOf, append) {
      const request = { count, sizeOf, append };
      const from = tail === null ? appendWhileRoom(0, request) : 0;
      if (from === count) return undefined;
      const mine = wait(from, request, tail).finally(() => {
        if (tail === settled) tail = null;
      });
      // Who comes behind waits for this request's end, whatever that is.
      const settled: Promise<void> = mine.catch(() => undefined);
      tail = settled;
      return mine;
    },
  };
}

type Request = {
  count: number;
  sizeOf: (index: number) => number;
  append: (index: number) => void;
};
