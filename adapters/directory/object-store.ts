// A directory as object store, shared by the processes of one machine. An object appears, whole and flushed, by a rename; a put is answered once its
// name and those of its folders are flushed too.
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rm, rmdir, stat, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import type { ObjectStore, PutCondition } from "../../ports/object-store.ts";
import { assertObjectKey } from "../object-key.ts";
import { asObjectStoreError, isAbsent, syncDirectory } from "./file-system.ts";
import { listObjects } from "./list-objects.ts";
import { readHead, readRange, writeObjectFile } from "./object-file.ts";
import { lockName, objectPath, unfinishedFolder } from "./object-names.ts";
import type { WriteLock } from "./write-lock.ts";
import { createWriteLock } from "./write-lock.ts";

export type DirectoryObjectStore = ObjectStore & { close(): Promise<void> };

/** No put takes that long: an unfinished file this old was left by a process that died. */
const abandonedAfterMs = 60 * 60 * 1000;

type Store = { root: string; lock: WriteLock; ready: () => Promise<void> };

/** Takes no step until the first call, which makes the directory. */
export function createDirectoryObjectStore(directory: string): DirectoryObjectStore {
  const root = path.resolve(directory);
  let preparing: Promise<void> | null = null;
  const store: Store = {
    root,
    lock: createWriteLock(path.join(root, lockName)),
    ready() {
      preparing ??= prepare(root).catch((error: unknown) => {
        preparing = null;
        throw error;
      });
      return preparing;
    },
  };
  return {
    async put(key, bytes, condition) {
      assertObjectKey(key);
      return asObjectStoreError(() => put(store, key, { bytes, condition }));
    },
    async get(key, range) {
      assertObjectKey(key);
      return asObjectStoreError(() =>
        withObject(objectPath(root, key), async (handle) => {
          const head = await readHead(handle);
          const end = Math.min(range?.end ?? head.sizeBytes, head.sizeBytes);
          return { bytes: await readRange(handle, range?.start ?? 0, end), ...head };
        }),
      );
    },
    async head(key) {
      assertObjectKey(key);
      return asObjectStoreError(() => withObject(objectPath(root, key), readHead));
    },
    list: (prefix, { startAfter = "", limit = 1000 } = {}) =>
      asObjectStoreError(() => listObjects(root, { prefix, startAfter, limit })),
    async delete(key) {
      assertObjectKey(key);
      await asObjectStoreError(() => remove(store, objectPath(root, key)));
    },
    async close() {
      store.lock.close();
    },
  };
}

async function prepare(root: string): Promise<void> {
  const unfinished = path.join(root, unfinishedFolder);
  await mkdir(unfinished, { recursive: true });
  await syncDirectory(root);
  await syncDirectory(path.dirname(root));
  for (const name of await readdir(unfinished)) {
    const file = path.join(unfinished, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs > abandonedAfterMs) await rm(file, { force: true });
  }
}

async function put(
  store: Store,
  key: string,
  { bytes, condition }: { bytes: Uint8Array; condition: PutCondition | undefined },
): Promise<{ etag: string } | null> {
  await store.ready();
  const file = objectPath(store.root, key);
  // A look without the lock spares a loser the writing; the one that counts is taken with it.
  if (!(await isMet(condition, file))) return null;
  const name = `${process.pid}-${randomBytes(8).toString("hex")}`;
  const unfinished = path.join(store.root, unfinishedFolder, name);
  try {
    const etag = await writeObjectFile(unfinished, bytes);
    const isStored = await store.lock.hold(async () => {
      if (!(await isMet(condition, file))) return false;
      await mkdir(path.dirname(file), { recursive: true });
      await rename(unfinished, file);
      return true;
    });
    if (isStored) await syncFolders(store.root, file);
    return isStored ? { etag } : null;
  } finally {
    await rm(unfinished, { force: true });
  }
}

async function isMet(condition: PutCondition | undefined, file: string): Promise<boolean> {
  if (condition === undefined) return true;
  const present = await withObject(file, readHead);
  return "ifAbsent" in condition ? present === null : present?.etag === condition.ifMatch;
}

/** All of them, new or not: another process may have made one and not have come to flush its name. */
async function syncFolders(root: string, file: string): Promise<void> {
  let folder = file;
  do {
    folder = path.dirname(folder);
    try {
      await syncDirectory(folder);
    } catch (error) {
      // Its last object was deleted since, so there is no name to keep.
      if (!isAbsent(error)) throw error;
    }
  } while (folder !== root);
}

async function remove(store: Store, file: string): Promise<void> {
  await store.ready();
  await store.lock.hold(async () => {
    try {
      await unlink(file);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
    await syncDirectory(path.dirname(file)).catch(ignoreAbsent);
    // A put makes its folders under the same lock, so an empty one is nobody's.
    for (let folder = path.dirname(file); folder !== store.root; folder = path.dirname(folder)) {
      const isRemoved = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (!isRemoved) break;
    }
  });
}

function ignoreAbsent(error: unknown): void {
  if (!isAbsent(error)) throw error;
}

async function withObject<T>(
  file: string,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T | null> {
  let handle: FileHandle;
  try {
    handle = await open(file, "r");
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
