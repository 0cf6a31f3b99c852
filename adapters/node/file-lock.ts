import { DatabaseSync } from "node:sqlite";
import type { Disk } from "../../ports/disk.ts";

const sqliteBusy = 5;

/**
 * Node has no flock. An open exclusive transaction on an empty SQLite database is an advisory lock that the kernel drops with the process, and SQLite
 * keeps account of holders within a process. Nothing is ever written to the file.
 */
export async function takeFileLock(file: string): ReturnType<Disk["lock"]> {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // No rollback journal beside the lock.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) return null;
    throw error;
  }
  return {
    async close() {
      if (database.isOpen) database.close();
    },
  };
}
