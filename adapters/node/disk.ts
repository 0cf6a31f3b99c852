import { constants, promises as fs } from "node:fs";
import path from "node:path";
import type { Disk, DiskFile } from "../../ports/disk.ts";
import { createNodeDiskFile } from "./disk-file.ts";
import { asDiskError, systemFailure } from "./disk-error.ts";
import { takeFileLock } from "./file-lock.ts";
import { createWalWriter, type WalWriter } from "./wal-writer.ts";

/** The ending of files that writeFile has not finished. They are not listed, and the next writeFile of the same path replaces them. */
const unfinishedEnding = ".unfinished";

export type NodeDisk = Disk & {
  /** Ends the WAL thread, if one was started; what it had not done rejects. */
  close(): Promise<void>;
};

export function createNodeDisk(): NodeDisk {
  const walWriter = createWalWriter();
  const replacing = new Map<string, Promise<void>>();

  function writeFile(file: string, bytes: Uint8Array): Promise<void> {
    // One at a time per path, as they share the name of the unfinished file.
    const earlier = replacing.get(file) ?? Promise.resolve();
    const done = earlier.then(() => asDiskError(replaceFile(file, bytes)));
    const settled = done
      .catch(() => undefined)
      .then(() => {
        if (replacing.get(file) === settled) replacing.delete(file);
      });
    replacing.set(file, settled);
    return done;
  }

  return {
    makeDirectory: (directory) => asDiskError(makeDirectory(directory)),
    list: (directory) => asDiskError(list(directory)),
    readFile: (file) => asDiskError(unlessAbsent(fs.readFile(file), null)),
    writeFile,
    remove: (file) => asDiskError(remove(file)),
    rename: (from, to) => asDiskError(rename(from, to)),
    open: (file, options) => asDiskError(open(file, options?.create ?? false, walWriter)),
    lock: (file) => asDiskError(takeFileLock(file)),
    bootId: (place) => asDiskError(bootId(place)),
    async freeBytes(place) {
      const { bavail, bsize } = await asDiskError(fs.statfs(place));
      return bavail * bsize;
    },
    close: () => walWriter.close(),
  };
}

async function open(file: string, create: boolean, walWriter: WalWriter): Promise<DiskFile> {
  if (!create) return createNodeDiskFile(await fs.open(file, constants.O_RDWR), walWriter);
  const handle = await fs.open(file, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    await syncDirectory(path.dirname(file));
  } catch (error) {
    await handle.close();
    throw error;
  }
  return createNodeDiskFile(handle, walWriter);
}

async function makeDirectory(directory: string): Promise<void> {
  const firstCreated = await fs.mkdir(directory, { recursive: true });
  const topmost = path.dirname(path.resolve(firstCreated ?? directory));
  for (let parent = path.dirname(path.resolve(directory)); ; parent = path.dirname(parent)) {
    await syncDirectory(parent);
    if (parent === topmost || parent === path.dirname(parent)) return;
  }
}

async function list(directory: string): Promise<string[]> {
  const names = await unlessAbsent(fs.readdir(directory), []);
  return names.filter((name) => !name.endsWith(unfinishedEnding)).toSorted();
}

async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  const unfinished = file + unfinishedEnding;
  const handle = await fs.open(unfinished, "w");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(unfinished, file);
  await syncDirectory(path.dirname(file));
}

async function remove(file: string): Promise<void> {
  await unlessAbsent(fs.unlink(file), undefined);
  await unlessAbsent(syncDirectory(path.dirname(file)), undefined);
}

async function rename(from: string, to: string): Promise<void> {
  await fs.rename(from, to);
  await syncDirectory(path.dirname(to));
}

/** Names, new and gone, are durable only once their directory is flushed. Windows can neither open nor flush one, and journals names by itself. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await fs.open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The kernel's boot, and the file system by device number and type: a directory on a disk that came back empty or elsewhere is not the same. */
async function bootId(place: string): Promise<string | null> {
  const boot = await unlessAbsent(fs.readFile("/proc/sys/kernel/random/boot_id", "utf8"), null);
  if (boot === null) return null;
  const [{ dev }, { type }] = await Promise.all([fs.stat(place), fs.statfs(place)]);
  return `${boot.trim()}-${dev.toString(16)}-${type.toString(16)}`;
}

async function unlessAbsent<T, A>(work: Promise<T>, absent: A): Promise<T | A> {
  try {
    return await work;
  } catch (error) {
    const { code } = systemFailure(error);
    if (code === "ENOENT" || code === "ENOTDIR") return absent;
    throw error;
  }
}
