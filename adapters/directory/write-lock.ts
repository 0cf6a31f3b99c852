// One writer at a time changes names, across processes. An exclusive SQLite transaction on an empty file is a lock that the kernel takes back from a killed
// process (Node has no flock), so that there is no stale lock to judge. It is held only for a look at the present object and a rename.
import { DatabaseSync } from "node:sqlite";
import { ObjectStoreError } from "../../ports/object-store.ts";

const sqliteBusy = 5;

/** A holder that is stopped rather than dead: after this long the call is `unavailable`. */
const waitLimitMs = 30_000;
const longestPauseMs = 16;

export type WriteLock = {
  hold<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
};

export function createWriteLock(file: string): WriteLock {
  let database: DatabaseSync | null = null;
  let tail: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  function opened(): DatabaseSync {
    if (database === null) {
      database = new DatabaseSync(file, { timeout: 0 });
      // No rollback journal beside the lock.
      database.exec("PRAGMA journal_mode = MEMORY");
    }
    return database;
  }

  async function take(): Promise<DatabaseSync> {
    const deadlineMs = performance.now() + waitLimitMs;
    for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      if (isClosed) throw new ObjectStoreError("unavailable", "the object store is closed");
      try {
        const taken = opened();
        taken.exec("BEGIN EXCLUSIVE");
        return taken;
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (performance.now() > deadlineMs) {
          const message = "another process holds the object store's lock";
          throw new ObjectStoreError("unavailable", message, { cause: error });
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async function holdAlone<T>(work: () => Promise<T>): Promise<T> {
    const held = await take();
    try {
      return await work();
    } finally {
      held.exec("ROLLBACK");
      if (isClosed) held.close();
    }
  }

  return {
    hold(work) {
      const result = tail.then(() => holdAlone(work));
      tail = result.catch(() => undefined);
      return result;
    },
    close() {
      isClosed = true;
      if (database?.isOpen === true && !database.isTransaction) database.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === sqliteBusy;
}
