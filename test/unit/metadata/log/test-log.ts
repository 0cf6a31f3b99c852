import { createManualClock } from "../../../../adapters/memory/clock.ts";
import type { ControlledClock } from "../../../../adapters/memory/clock.ts";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { openMetadataReplica } from "../../../../metadata/log/replica.ts";
import type { MetadataReplica, MetadataReplicaOptions } from "../../../../metadata/log/replica.ts";
import { MetadataLogError } from "../../../../ports/metadata-log.ts";
import type { MetadataLog } from "../../../../ports/metadata-log.ts";
import type { ObjectStore } from "../../../../ports/object-store.ts";
import type { Random } from "../../../../ports/random.ts";

/** The smallest log that keeps the port's promises; its entries are in the test's hand. */
export type TestLog = MetadataLog & {
  readonly entries: Map<number, Uint8Array>;
  readonly readCount: number;
};

export function testLog(): TestLog {
  const entries = new Map<number, Uint8Array>();
  const listeners = new Set<() => void>();
  let readCount = 0;
  let firstRevision = 1;
  const put = (revision: number, entry: Uint8Array) => {
    entries.set(revision, Uint8Array.from(entry));
    for (const listener of listeners) queueMicrotask(listener);
    return "accepted" as const;
  };
  return {
    entries,
    get readCount() {
      return readCount;
    },
    async append(revision, entry) {
      await Promise.resolve();
      if (entries.has(revision) || !entries.has(revision - 1)) return "conflict";
      return put(revision, entry);
    },
    async genesis(revision, entry) {
      await Promise.resolve();
      if (entries.size > 0) return "conflict";
      firstRevision = revision;
      return put(revision, entry);
    },
    async read(fromRevision, limit) {
      readCount += 1;
      await Promise.resolve();
      if (fromRevision < firstRevision) return "trimmed";
      const found = [];
      for (let revision = fromRevision; found.length < limit; revision++) {
        const entry = entries.get(revision);
        if (entry === undefined) break;
        found.push({ revision, entry });
      }
      return found;
    },
    async trim(beforeRevision) {
      const head = Math.max(...entries.keys());
      for (const revision of entries.keys()) {
        if (revision < Math.min(beforeRevision, head)) entries.delete(revision);
      }
      firstRevision = Math.max(firstRevision, Math.min(beforeRevision, head));
    },
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {},
  };
}

/** `append` and `read` that fail as a remote log does: before they arrive, or after they took effect. */
export function faultyLog(
  log: MetadataLog,
  random: Random,
  chance: { lost: number; lostReply: number },
): MetadataLog {
  const unavailable = () => new MetadataLogError("unavailable", "timed out");
  const flaky = async <Result>(run: () => Promise<Result>): Promise<Result> => {
    if (random.float() < chance.lost) throw unavailable();
    const result = await run();
    if (random.float() < chance.lostReply) throw unavailable();
    return result;
  };
  return {
    ...log,
    append: (revision, entry) => flaky(() => log.append(revision, entry)),
    genesis: (revision, entry) => flaky(() => log.genesis(revision, entry)),
    read: (fromRevision, limit) => flaky(() => log.read(fromRevision, limit)),
  };
}

export function testObjects(): ObjectStore & { readonly objects: Map<string, Uint8Array> } {
  const objects = new Map<string, Uint8Array>();
  return {
    objects,
    async put(key, bytes, condition) {
      if (condition !== undefined && "ifAbsent" in condition && objects.has(key)) return null;
      objects.set(key, Uint8Array.from(bytes));
      return { etag: String(bytes.byteLength) };
    },
    async get(key) {
      const bytes = objects.get(key);
      if (bytes === undefined) return null;
      return { bytes, etag: String(bytes.byteLength), sizeBytes: bytes.byteLength };
    },
    async head(key) {
      const bytes = objects.get(key);
      return bytes === undefined ? null : { etag: "", sizeBytes: bytes.byteLength };
    },
    async list(prefix, options) {
      return [...objects.keys()]
        .filter((key) => key.startsWith(prefix) && key > (options?.startAfter ?? ""))
        .sort()
        .slice(0, options?.limit ?? 1_000)
        .map((key) => ({ key, sizeBytes: objects.get(key)?.byteLength ?? 0 }));
    },
    async delete(key) {
      objects.delete(key);
    },
  };
}

/** Several processes over one log, in time that moves only while something is awaited here. */
export type TestWorld = {
  readonly log: TestLog;
  readonly store: ReturnType<typeof testObjects>;
  readonly clock: ControlledClock;
  readonly said: string[];
  open(options?: Partial<MetadataReplicaOptions>): Promise<MetadataReplica>;
  /** Moves time from timer to timer until `work` is done. */
  during<Result>(work: Promise<Result>): Promise<Result>;
};

export function testWorld(seed = 1): TestWorld {
  const log = testLog();
  const store = testObjects();
  const clock = createManualClock();
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  let replicaCount = 0;
  async function during<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false;
    const finished = work.finally(() => {
      isDone = true;
    });
    finished.catch(() => {});
    await clock.advance(0);
    while (!isDone) {
      await clock.advance(Math.max(0, (clock.nextDueMs() ?? 0) - clock.monotonicMs()));
    }
    return finished;
  }
  return {
    log,
    store,
    clock,
    said,
    during,
    open: (options = {}) =>
      during(
        openMetadataReplica({
          log,
          objects: store,
          clock,
          random: createSeededRandom(seed * 1_000 + replicaCount++),
          output: { info: say, warn: say, error: say },
          cell: "test",
          ...options,
        }),
      ),
  };
}
