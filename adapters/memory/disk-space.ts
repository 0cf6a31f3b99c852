import { DiskError } from "../../ports/disk.ts";
import type { StoredFile } from "./stored-file.ts";
import { createStoredFile } from "./stored-file.ts";

/** Of files that an interrupted writeFile leaves. They are not listed. */
export const unfinishedEnding = ".unfinished";

/** What is on the disk, without time or faults of calls. */
export type DiskContents = {
  files: Map<string, StoredFile>;
  directories: Set<string>;
  capacityBytes: number;
  /** Of the kernel that runs, and this file system. */
  bootId: string;
};

export function createDiskContents(capacityBytes: number, bootId: string): DiskContents {
  return { files: new Map(), directories: new Set(["/"]), capacityBytes, bootId };
}

export function existingFile(contents: DiskContents, path: string): StoredFile {
  const file = contents.files.get(path);
  if (file === undefined) throw new DiskError("gone", `no such file: ${path}`);
  return file;
}

export function freeBytes({ files, capacityBytes }: DiskContents): number {
  let used = 0;
  for (const file of files.values()) used += file.size();
  return Math.max(0, capacityBytes - used);
}

export type FittingWrite = {
  readonly chunks: readonly Uint8Array[];
  readonly position: number;
  readonly length: number;
  /** What the disk takes of it, told to. */
  readonly maxBytes: number;
};

/** Writes what fits, as kernels do, and throws if that was not all. */
export function writeWhatFits(
  contents: DiskContents,
  file: StoredFile,
  { chunks, position, length, maxBytes }: FittingWrite,
): void {
  const fits = Math.max(0, file.size() - position + freeBytes(contents));
  const taken = file.write(chunks, position, Math.min(maxBytes, fits));
  if (taken === length) return;
  throw taken === maxBytes
    ? new DiskError("io", "a short write")
    : new DiskError("full", "no space left on the disk");
}

export function replaceFile(contents: DiskContents, path: string, bytes: Uint8Array): void {
  const { files, directories } = contents;
  const freed = files.get(path)?.size() ?? 0;
  if (bytes.byteLength > freeBytes(contents) + freed) {
    throw new DiskError("full", "no space left on the disk");
  }
  const directory = directoryOf(path);
  if (!directories.has(directory)) throw new DiskError("gone", `no such directory: ${directory}`);
  files.set(path, createStoredFile(bytes));
}

export function makeDirectories({ directories }: DiskContents, path: string): void {
  directories.add("/");
  for (let at = withoutEndSlash(path); at !== "/"; at = directoryOf(at)) directories.add(at);
}

export function listDirectory({ files, directories }: DiskContents, path: string): string[] {
  const directory = withoutEndSlash(path);
  const names: string[] = [];
  for (const entry of [...files.keys(), ...directories]) {
    if (entry !== "/" && directoryOf(entry) === directory && !entry.endsWith(unfinishedEnding)) {
      names.push(entry.slice(entry.lastIndexOf("/") + 1));
    }
  }
  return names.toSorted();
}

function directoryOf(path: string): string {
  const end = withoutEndSlash(path).lastIndexOf("/");
  return end <= 0 ? "/" : path.slice(0, end);
}

function withoutEndSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
