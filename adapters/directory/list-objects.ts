import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { compareKeys } from "../object-key.ts";
import { isAbsent } from "./file-system.ts";
import { trailerBytes } from "./object-file.ts";
import { entryOf, folderPath, objectPath } from "./object-names.ts";

type Listed = { key: string; sizeBytes: number };
type Query = { prefix: string; startAfter: string; limit: number };

/** Keys in the order of their UTF-8 bytes. A folder's keys all begin with its name and "/", so ordering each folder's entries orders them all. */
export async function listObjects(root: string, query: Query): Promise<Listed[]> {
  const segments = query.prefix.split("/").slice(0, -1);
  const folder = folderPath(root, segments);
  const listed: Listed[] = [];
  if (folder !== null && query.limit > 0) {
    const keyPrefix = segments.map((segment) => `${segment}/`).join("");
    await listFolder({ root, query, listed }, folder, keyPrefix);
  }
  return listed;
}

async function listFolder(
  context: { root: string; query: Query; listed: Listed[] },
  folder: string,
  keyPrefix: string,
): Promise<void> {
  const { root, query, listed } = context;
  for (const { key, fileName, isFolder } of await entriesOf(folder, keyPrefix)) {
    if (isFolder) {
      if (mayHold(key, query)) await listFolder(context, path.join(folder, fileName), key);
    } else if (key.startsWith(query.prefix) && compareKeys(key, query.startAfter) > 0) {
      const sizeBytes = await objectSize(objectPath(root, key));
      if (sizeBytes !== null) listed.push({ key, sizeBytes });
    }
    if (listed.length >= query.limit) return;
  }
}

/** `key` of a folder is its prefix, with the "/". */
type KeyedEntry = { key: string; fileName: string; isFolder: boolean };

async function entriesOf(folder: string, keyPrefix: string): Promise<KeyedEntry[]> {
  const entries: KeyedEntry[] = [];
  for (const file of await filesOf(folder)) {
    const isFolder = file.isDirectory();
    const entry = entryOf(file.name, isFolder);
    if (entry === null) continue;
    const key = `${keyPrefix}${entry.name}${isFolder ? "/" : ""}`;
    entries.push({ key, fileName: file.name, isFolder });
  }
  return entries.toSorted((a, b) => compareKeys(a.key, b.key));
}

async function filesOf(folder: string): ReturnType<typeof readEntries> {
  try {
    return await readEntries(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function readEntries(folder: string) {
  return readdir(folder, { withFileTypes: true });
}

function mayHold(folderKey: string, { prefix, startAfter }: Query): boolean {
  if (!folderKey.startsWith(prefix) && !prefix.startsWith(folderKey)) return false;
  return startAfter.startsWith(folderKey) || compareKeys(folderKey, startAfter) > 0;
}

async function objectSize(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size - trailerBytes;
  } catch (error) {
    // Deleted since its folder was read.
    if (isAbsent(error)) return null;
    throw error;
  }
}
