import type { MetadataEntry, MetadataLog } from "../../ports/metadata-log.ts";
import { maxMetadataEntryBytes, MetadataLogError } from "../../ports/metadata-log.ts";

/** One log that several writers open, as several processes would. */
export type MemoryMetadataStore = {
  open(): MetadataLog;
  /** The next call of this kind, by any writer, is answered `unavailable`, having taken effect or not. */
  failNext(operation: MetadataOperation, options: { takesEffect: boolean }): void;
};

export type MetadataOperation = "append" | "genesis" | "read" | "trim";

export type MemoryMetadataOptions = {
  /** Runs a call's effect, or a notice of an append, later; a microtask by default. */
  schedule?: (run: () => void) => void;
};

export function createMemoryMetadataLog(options: MemoryMetadataOptions = {}): MetadataLog {
  return createMemoryMetadataStore(options).open();
}

export function createMemoryMetadataStore(
  options: MemoryMetadataOptions = {},
): MemoryMetadataStore {
  const schedule = options.schedule ?? queueMicrotask;
  const entries = createEntries();
  const failures: { operation: MetadataOperation; takesEffect: boolean }[] = [];
  const listeners = new Set<() => void>();

  async function call<T>(operation: MetadataOperation, effect: () => T): Promise<T> {
    await new Promise<void>((resolve) => schedule(resolve));
    const index = failures.findIndex((failure) => failure.operation === operation);
    const failure = index < 0 ? undefined : failures.splice(index, 1)[0];
    if (failure === undefined) return effect();
    if (failure.takesEffect) effect();
    throw new MetadataLogError("unavailable", `${operation} was told to fail`);
  }

  function announce(outcome: "accepted" | "conflict"): "accepted" | "conflict" {
    if (outcome === "accepted") {
      for (const listener of listeners) schedule(() => listeners.has(listener) && listener());
    }
    return outcome;
  }

  function open(): MetadataLog {
    let isClosed = false;
    const own = new Set<() => void>();
    const use = <T>(operation: MetadataOperation, effect: () => T): Promise<T> =>
      isClosed
        ? Promise.reject(new MetadataLogError("closed", "the metadata log is closed"))
        : call(operation, effect);
    const addition = async (
      operation: "append" | "genesis",
      revision: number,
      entry: Uint8Array,
    ): Promise<"accepted" | "conflict"> => {
      assertEntryFits(entry);
      const copy = entry.slice();
      return use(operation, () => announce(entries[operation](revision, copy)));
    };
    return {
      append: (revision, entry) => addition("append", revision, entry),
      genesis: (revision, entry) => addition("genesis", revision, entry),
      read: (fromRevision, limit) => use("read", () => entries.read(fromRevision, limit)),
      trim: (beforeRevision) => use("trim", () => entries.trim(beforeRevision)),
      onAppend(listener) {
        // Wrapped, so that the same function given twice is called twice.
        const wrapped = (): void => listener();
        own.add(wrapped);
        listeners.add(wrapped);
        return () => {
          own.delete(wrapped);
          listeners.delete(wrapped);
        };
      },
      async close() {
        isClosed = true;
        for (const listener of own) listeners.delete(listener);
      },
    };
  }

  return {
    open,
    failNext: (operation, { takesEffect }) => void failures.push({ operation, takesEffect }),
  };
}

/** Throws `tooLarge` where every adapter must. */
export function assertEntryFits(entry: Uint8Array): void {
  if (entry.byteLength <= maxMetadataEntryBytes) return;
  throw new MetadataLogError(
    "tooLarge",
    `an entry of ${entry.byteLength} bytes exceeds ${maxMetadataEntryBytes}`,
  );
}

type Entries = {
  append(revision: number, entry: Uint8Array): "accepted" | "conflict";
  genesis(revision: number, entry: Uint8Array): "accepted" | "conflict";
  read(fromRevision: number, limit: number): MetadataEntry[] | "trimmed";
  trim(beforeRevision: number): void;
};

function createEntries(): Entries {
  let first = 1;
  let kept: Uint8Array[] = [];
  return {
    append(revision, entry) {
      if (kept.length === 0 || revision !== first + kept.length) return "conflict";
      kept.push(entry);
      return "accepted";
    },
    genesis(revision, entry) {
      if (kept.length > 0 || revision < 1) return "conflict";
      first = revision;
      kept = [entry];
      return "accepted";
    },
    read(fromRevision, limit) {
      if (kept.length === 0) return [];
      if (fromRevision < first) return "trimmed";
      const from = fromRevision - first;
      return kept
        .slice(from, from + limit)
        .map((entry, index) => ({ revision: fromRevision + index, entry: entry.slice() }));
    },
    trim(beforeRevision) {
      const dropped = Math.min(beforeRevision - first, kept.length - 1);
      if (dropped <= 0) return;
      kept = kept.slice(dropped);
      first += dropped;
    },
  };
}
