// The metadata log of one machine: a SQLite file that several processes share. One insert decides an append, so its condition and its effect are one.
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../ports/clock.ts";
import type { MetadataEntry, MetadataLog } from "../../ports/metadata-log.ts";
import { maxMetadataEntryBytes, MetadataLogError } from "../../ports/metadata-log.ts";
import { createAppendWatch } from "./append-watch.ts";
import { prepareMetadataFile } from "./metadata-file.ts";
import { isBusy } from "./sqlite-error.ts";

export type SqliteMetadataLogOptions = {
  /** For polling and for waiting on other processes. */
  clock: Clock;
  /** The version of the format this program writes. A file of a later one is refused with MetadataFormatError. */
  version: number;
  /** How often to look for other processes' appends while someone listens and there may be some; 50 ms by default. */
  pollMs?: number;
};

/** How long a call waits for other processes' writes before it is `unavailable`. */
const busyLimitMs = 10_000;
const busyRetryMs = 5;

export async function openSqliteMetadataLog(
  path: string,
  options: SqliteMetadataLogOptions,
): Promise<MetadataLog> {
  const { clock, version, pollMs = 50 } = options;
  // SQLite's own wait would block the thread.
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    await whileBusy(clock, () => prepareMetadataFile(database, { path, version }));
  } catch (error) {
    database.close();
    throw error;
  }
  const statements = prepareStatements(database);
  const watch = createAppendWatch({
    path,
    clock,
    pollMs,
    dataVersion: () => statements.dataVersion(),
  });

  async function run<T>(work: () => T): Promise<T> {
    if (!database.isOpen) throw closedError();
    return whileBusy(clock, () => {
      if (!database.isOpen) throw closedError();
      return work();
    });
  }

  async function add(insert: () => boolean, entry: Uint8Array): Promise<"accepted" | "conflict"> {
    if (entry.byteLength > maxMetadataEntryBytes) {
      throw new MetadataLogError(
        "tooLarge",
        `an entry of ${entry.byteLength} bytes exceeds ${maxMetadataEntryBytes}`,
      );
    }
    const isAccepted = await run(insert);
    if (isAccepted) watch.announce();
    return isAccepted ? "accepted" : "conflict";
  }

  return {
    append: (revision, entry) => add(() => statements.append(revision, entry), entry),
    genesis: (revision, entry) => add(() => statements.genesis(revision, entry), entry),
    read: (fromRevision, limit) => run(() => statements.read(fromRevision, limit)),
    trim: (beforeRevision) => run(() => statements.trim(beforeRevision)),
    onAppend: (listener) => watch.add(listener),
    async close() {
      watch.close();
      if (database.isOpen) database.close();
    },
  };
}

type Statements = {
  append(revision: number, entry: Uint8Array): boolean;
  genesis(revision: number, entry: Uint8Array): boolean;
  read(fromRevision: number, limit: number): MetadataEntry[] | "trimmed";
  trim(beforeRevision: number): void;
  dataVersion(): number;
};

function prepareStatements(database: DatabaseSync): Statements {
  const append = database.prepare(
    `INSERT INTO entries (revision, entry) SELECT :revision, :entry
     WHERE EXISTS (SELECT 1 FROM entries WHERE revision = :revision - 1)
     ON CONFLICT DO NOTHING`,
  );
  const genesis = database.prepare(
    `INSERT INTO entries (revision, entry) SELECT :revision, :entry
     WHERE :revision >= 1 AND NOT EXISTS (SELECT 1 FROM entries)`,
  );
  const read = database.prepare(
    "SELECT revision, entry FROM entries WHERE revision >= ? ORDER BY revision LIMIT ?",
  );
  const trim = database.prepare(
    "DELETE FROM entries WHERE revision < min(?, (SELECT max(revision) FROM entries))",
  );
  const dataVersion = database.prepare("PRAGMA data_version");
  return {
    append: (revision, entry) => Number(append.run({ revision, entry }).changes) === 1,
    genesis: (revision, entry) => Number(genesis.run({ revision, entry }).changes) === 1,
    read(fromRevision, limit) {
      const entries = read.all(fromRevision, Math.max(1, limit)).map(toEntry);
      // The head is never trimmed, so a later first entry means that the one asked for is gone.
      const first = entries[0];
      if (first !== undefined && first.revision > fromRevision) return "trimmed";
      return entries.slice(0, limit);
    },
    trim: (beforeRevision) => void trim.run(beforeRevision),
    dataVersion: () => Number(dataVersion.get()?.["data_version"]),
  };
}

function toEntry(row: Record<string, unknown>): MetadataEntry {
  const { revision, entry } = row;
  if (typeof revision !== "number" || !(entry instanceof Uint8Array)) {
    throw new MetadataLogError("unavailable", "an entry of the metadata log is damaged");
  }
  return { revision, entry };
}

/** Runs `work` again while another process writes. A busy database took no effect; any other failure leaves that open. */
async function whileBusy<T>(clock: Clock, work: () => T): Promise<T> {
  const deadlineMs = clock.monotonicMs() + busyLimitMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw toMetadataLogError(error);
      if (clock.monotonicMs() >= deadlineMs) throw unavailable(error);
    }
    await new Promise<void>((resolve) => void clock.after(busyRetryMs, resolve));
  }
}

function toMetadataLogError(error: unknown): unknown {
  const isOfSqlite = error instanceof Error && "errcode" in error;
  return isOfSqlite ? unavailable(error) : error;
}

function unavailable(cause: unknown): MetadataLogError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MetadataLogError("unavailable", `the metadata log: ${reason}`, { cause });
}

function closedError(): MetadataLogError {
  return new MetadataLogError("closed", "the metadata log is closed");
}
