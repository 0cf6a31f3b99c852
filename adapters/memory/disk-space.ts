import { DiskError } from "../../ports/disk.ts";
import type { FaultPlan } from "./disk-faults.ts";
import type { StoredFile } from "./stored-file.ts";
import { createStoredFile } from "./stored-file.ts";

/** What is on the disk, without time or faults of calls. */
export type DiskContents = {
  files: Map<string, StoredFile>;
  directories: Set<string>;
  capacityBytes: number;
  /** Counts host crashes. */
  bootNumber: number;
};

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

/** Writes what fits, as kernels do, and throws if that was not all. */
export function writeWhatFits(
  contents: DiskContents,
  { file, path, plan }: { file: StoredFile; path: string; plan: FaultPlan },
  { chunks, position }: { chunks: readonly Uint8Array[]; position: number },
): void {
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  const told = plan.takeShortWrite(path) ?? length;
  const fits = Math.max(0, file.size() - position + freeBytes(contents));
  const taken = file.write(chunks, position, Math.min(told, fits));
  if (taken === length) return;
  throw taken === told
    ? new DiskError("io", `short write of ${path}`)
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
    if (entry !== "/" && directoryOf(entry) === directory) {
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
