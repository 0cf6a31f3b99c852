import type { DatabaseSync } from "node:sqlite";
import { isNotADatabase } from "./sqlite-error.ts";

/** "Myel", in the field of a SQLite file that says whose it is. */
const applicationId = 0x4d79656c;

/** The file is not ours to write: of a later version (`found`), or no metadata log at all (null). */
export class MetadataFormatError extends Error {
  readonly found: number | null;
  readonly supported: number;
  constructor(
    message: string,
    { found, supported, cause }: { found: number | null; supported: number; cause?: unknown },
  ) {
    super(message, { cause });
    this.name = "MetadataFormatError";
    this.found = found;
    this.supported = supported;
  }
}

/** Makes an empty file a metadata log, and refuses one that is not ours or of a later version. A file of an earlier one becomes of this. */
export function prepareMetadataFile(
  database: DatabaseSync,
  { path, version }: { path: string; version: number },
): void {
  const foreign = (cause?: unknown): MetadataFormatError =>
    new MetadataFormatError(`${path} is not a Myelin metadata log`, {
      found: null,
      supported: version,
      cause,
    });
  let isNew: boolean;
  try {
    isNew = readNumber(database, "SELECT count(*) FROM sqlite_schema") === 0;
  } catch (error) {
    throw isNotADatabase(error) ? foreign(error) : error;
  }
  if (!isNew && readNumber(database, "PRAGMA application_id") !== applicationId) throw foreign();
  // Without a lock where nothing is to be written: whoever holds it may be paused, and others can start meanwhile.
  if (!isNew && isComplete(database)) {
    const found = readNumber(database, "SELECT version FROM format");
    if (found > version) throw laterVersion(path, found, version);
    database.exec(durability);
    if (found === version) return;
  }
  database.exec(`PRAGMA journal_mode = WAL; ${durability}`);
  database.exec("BEGIN IMMEDIATE");
  try {
    createTables(database, version);
    const found = readNumber(database, "SELECT version FROM format");
    if (found > version) throw laterVersion(path, found, version);
    if (found < version) database.prepare("UPDATE format SET version = ?").run(version);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** Of this connection: every commit is flushed before it is answered. */
const durability = "PRAGMA synchronous = FULL";

/** All its tables are there: they came in one transaction, in this mode. */
function isComplete(database: DatabaseSync): boolean {
  const mode = Object.values(database.prepare("PRAGMA journal_mode").get() ?? {})[0];
  const tables = "SELECT count(*) FROM sqlite_schema WHERE name IN ('format', 'entries')";
  return mode === "wal" && readNumber(database, tables) === 2;
}

function createTables(database: DatabaseSync, version: number): void {
  database.exec(`
    PRAGMA application_id = ${applicationId};
    CREATE TABLE IF NOT EXISTS format (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS entries (revision INTEGER PRIMARY KEY, entry BLOB NOT NULL);
  `);
  database.prepare("INSERT INTO format VALUES (1, ?) ON CONFLICT DO NOTHING").run(version);
}

function laterVersion(path: string, found: number, supported: number): MetadataFormatError {
  return new MetadataFormatError(
    `${path} was written by a newer version of Myelin (format ${found}, this one reads up to ${supported})`,
    { found, supported },
  );
}

function readNumber(database: DatabaseSync, query: string): number {
  const row = database.prepare(query).get();
  return Number(row === undefined ? 0 : Object.values(row)[0]);
}
