// Which operations of one file must wait for which. Bytes [from, to): a read and a write that do not overlap take effect in the same way in either order, so
// a slow read of old bytes never holds up the WAL.

export type FileOperation = {
  kind: "read" | "write" | "flush" | "size";
  from: number;
  to: number;
  /** Carried out by the WAL's writer, which keeps the order of what it has been given. */
  ofWal: boolean;
};

type Pending = FileOperation & { isStarted: boolean; settled: Promise<void> };

export type FileOrder = {
  /** Starts `run` once every earlier operation that it must not pass has settled: at once (within this call) if there is none. */
  add<T>(operation: FileOperation, run: () => Promise<T>): Promise<T>;
  /** Settles when all that was added has. */
  idle(): Promise<void>;
};

export function createFileOrder(): FileOrder {
  const pending = new Set<Pending>();

  async function settle<T>(entry: Pending, result: Promise<T>): Promise<T> {
    try {
      return await result;
    } finally {
      pending.delete(entry);
    }
  }

  return {
    add(operation, run) {
      const earlier: Promise<void>[] = [];
      for (const other of pending) {
        const isKept = operation.ofWal && other.ofWal && other.isStarted;
        if (!isKept && mustWait(other, operation)) earlier.push(other.settled);
      }
      const entry: Pending = { ...operation, isStarted: false, settled: Promise.resolve() };
      const start = (): ReturnType<typeof run> => {
        entry.isStarted = true;
        return run();
      };
      const result = settle(entry, earlier.length === 0 ? start() : after(earlier, start));
      entry.settled = result.then(
        () => undefined,
        () => undefined,
      );
      pending.add(entry);
      return result;
    },
    async idle() {
      while (pending.size > 0) await Promise.all([...pending].map(({ settled }) => settled));
    },
  };
}

async function after<T>(earlier: Promise<void>[], start: () => Promise<T>): Promise<T> {
  await Promise.all(earlier);
  return start();
}

function mustWait(earlier: FileOperation, later: FileOperation): boolean {
  if (earlier.kind !== "write" && later.kind !== "write") return false;
  if (later.kind === "flush" || later.kind === "size" || earlier.kind === "size") return true;
  if (earlier.kind === "flush") return false;
  return earlier.from < later.to && later.from < earlier.to;
}
