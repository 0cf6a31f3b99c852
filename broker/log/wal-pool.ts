import type { Disk, DiskFile } from "../../ports/disk.ts";
import type { LogOutput } from "../log-output.ts";

// Files the WAL goes on in: full-length ones prepared ahead, and those it is done with. Writing over a warm file is far cheaper than growing a new one.

export type FilePool = {
  readonly count: number;
  /** Names that hold the spares found at the start, before anything else. */
  adopt(names: readonly string[]): Promise<void>;
  /** A file under that path, its entry durable; a new one if no spare is left; null if the disk has no room for one. */
  take(path: string): Promise<DiskFile | null>;
  /** Keeps a closed file as a spare, or removes it if there are enough. */
  give(path: string): Promise<void>;
  /** Prepares spares in the background. */
  refill(): void;
  close(): Promise<void>;
};

export type FilePoolOptions = {
  readonly disk: Disk;
  readonly directory: string;
  readonly fileBytes: number;
  readonly poolFiles: number;
  readonly minFreeBytes: number;
  readonly log: LogOutput;
};

const zeroBytes = 1024 * 1024;

export const isSpareName = (name: string): boolean => name.startsWith("spare-");

export function createFilePool(options: FilePoolOptions): FilePool {
  const { disk, directory, fileBytes, log } = options;
  const spares: string[] = [];
  let nextNumber = 1;
  let filling: Promise<void> | null = null;
  let isClosed = false;

  const newSparePath = (): string =>
    `${directory}/spare-${String(nextNumber++).padStart(6, "0")}.log`;

  async function fill(): Promise<void> {
    while (!isClosed && spares.length < options.poolFiles) {
      if ((await disk.freeBytes(directory)) < options.minFreeBytes + fileBytes) return;
      const path = newSparePath();
      try {
        await writeZeros(disk, path, { fileBytes, isStopped: () => isClosed });
      } catch (error) {
        // It would take the space it could not have.
        await disk.remove(path);
        throw error;
      }
      if (!isClosed) spares.push(path);
    }
  }

  return {
    get count() {
      return spares.length;
    },

    async adopt(names) {
      for (const name of names) {
        const path = `${directory}/${name}`;
        nextNumber = Math.max(
          nextNumber,
          Number.parseInt(name.slice("spare-".length), 10) + 1 || 1,
        );
        const file = await disk.open(path);
        const size = await file.size();
        await file.close();
        // Half-filled by a process that stopped, or of another configured size.
        if (size === fileBytes && spares.length < options.poolFiles) spares.push(path);
        else await disk.remove(path);
      }
    },

    async take(path) {
      const spare = spares.shift();
      if (spare !== undefined) {
        await disk.rename(spare, path);
        return disk.open(path);
      }
      if ((await disk.freeBytes(directory)) < options.minFreeBytes + fileBytes) return null;
      return disk.open(path, { create: true });
    },

    async give(path) {
      if (spares.length >= options.poolFiles) return disk.remove(path);
      const spare = newSparePath();
      await disk.rename(path, spare);
      spares.push(spare);
    },

    refill() {
      if (filling !== null || isClosed || spares.length >= options.poolFiles) return;
      filling = fill()
        .catch((error: unknown) => {
          log.warn("cannot prepare WAL files ahead", { directory, error: String(error) });
        })
        .finally(() => (filling = null));
    },

    async close() {
      isClosed = true;
      if (filling !== null) await filling;
    },
  };
}

/** A file of zeros, unless stopped half-way. */
async function writeZeros(
  disk: Disk,
  path: string,
  options: { fileBytes: number; isStopped: () => boolean },
): Promise<void> {
  const { fileBytes, isStopped } = options;
  const zeros = new Uint8Array(Math.min(zeroBytes, fileBytes));
  const file = await disk.open(path, { create: true });
  try {
    for (let at = 0; at < fileBytes && !isStopped(); at += zeros.length) {
      await file.write([zeros.subarray(0, Math.min(zeros.length, fileBytes - at))], at);
    }
  } finally {
    await file.close();
  }
}
