import type { Clock } from "../../ports/clock.ts";
import type { Disk, DiskFile } from "../../ports/disk.ts";
import type { LogOutput } from "../log-output.ts";

// Files the WAL is done with, kept to go on in. Writing over one is cheaper than growing a new one (measured: half the time, a tenth on memory that the machine
// has never touched), so as many stay as were lately needed. They are not made ahead: that would write every byte twice, and in the way of the first. Save one,
// which waits for the day the disk is full: to let go of data takes room in the WAL, too.

/** `allocatedBytes` of it are on the disk already: all of a spare, none of a new one. */
type TakenFile = { readonly file: DiskFile; readonly allocatedBytes: number };

type FilePoolOptions = {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly directory: string;
  readonly fileBytes: number;
  readonly poolFiles: number;
  readonly minFreeBytes: number;
  readonly log: LogOutput;
};

/** As often as this the files taken count half: retention lets go of files in bursts, and what one frees is what is written until the next. */
const halfLifeMs = 120_000;

export const isSpareName = (name: string): boolean => name.startsWith("spare-");

const numberOf = (name: string): number => Number(/^spare-(\d+)\.log$/.exec(name)?.[1] ?? 0);

export class FilePool {
  readonly #options: FilePoolOptions;
  /** The one given last, whose pages are most likely still in memory, is taken first. */
  readonly #spares: string[] = [];
  readonly #need: Need;
  /** Spares for a full disk alone. */
  readonly #reserved: number;
  #nextNumber = 1;
  #isClosed = false;
  #making: Promise<void> | null = null;

  constructor(options: FilePoolOptions) {
    this.#options = options;
    this.#reserved = Math.min(1, options.poolFiles);
    this.#need = createNeed(options.clock, {
      isOver: () => this.#spares.length <= options.poolFiles,
      onFaded: () => this.#trim(),
    });
  }

  get count(): number {
    return this.#spares.length;
  }

  /** Files found at the start that nothing needs: those whole become spares. Before anything else. */
  async adopt(names: readonly string[]): Promise<void> {
    const { disk, directory, fileBytes } = this.#options;
    for (const name of names) this.#nextNumber = Math.max(this.#nextNumber, numberOf(name) + 1);
    for (const name of names) {
      const path = `${directory}/${name}`;
      // Never begun, or of another configured size.
      if ((await sizeOf(disk, path)) !== fileBytes) await disk.remove(path);
      else if (isSpareName(name)) this.#spares.push(path);
      else await this.#keep(path);
    }
    this.#need.watch();
  }

  /**
   * A file under that path, its entry durable; a new one if no spare is left; null if the disk has no room for one, beside the `growingBytes` that the files in
   * use will still take.
   */
  async take(path: string, growingBytes: number): Promise<TakenFile | null> {
    const { disk, fileBytes } = this.#options;
    const isNew = this.#spares.length <= this.#reserved && (await this.#hasRoom(growingBytes));
    const spare = isNew ? undefined : this.#spares.pop();
    if (!isNew && spare === undefined) return null;
    if (spare !== undefined) await disk.rename(spare, path);
    const file = await disk.open(path, { create: spare === undefined });
    this.#need.noteTaken();
    return { file, allocatedBytes: spare === undefined ? 0 : fileBytes };
  }

  /** A new file in `minFreeBytes`; null if even that has no room for one. */
  async takeKeptFree(path: string, growingBytes: number): Promise<TakenFile | null> {
    const { disk, directory, fileBytes } = this.#options;
    if ((await disk.freeBytes(directory)) < fileBytes + growingBytes) return null;
    return { file: await disk.open(path, { create: true }), allocatedBytes: 0 };
  }

  /** Keeps a closed file, which was filled up to `end`, as a spare, or removes it if there are enough. */
  async give(path: string, end: number): Promise<void> {
    const { disk, fileBytes } = this.#options;
    // One that was hardly used may be mostly a hole, with no room behind it on a full disk.
    const isWhole = end * 2 >= fileBytes;
    if (isWhole && (await this.#isWanted(this.#spares.length + 1))) await this.#keep(path);
    else await disk.remove(path);
  }

  /** Makes the one for a full disk, in the background, if there is none. */
  makeReserve(growingBytes: number): void {
    const { directory, log } = this.#options;
    if (this.#making !== null || this.#isClosed || this.#spares.length >= this.#reserved) return;
    this.#making = this.#make(growingBytes)
      .catch((error: unknown) => {
        log.warn("cannot prepare a WAL file", { directory, error: String(error) });
      })
      .finally(() => (this.#making = null));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#need.stop();
    await this.#making;
  }

  async #hasRoom(growingBytes = 0): Promise<boolean> {
    const { disk, directory, minFreeBytes, fileBytes } = this.#options;
    return (await disk.freeBytes(directory)) >= minFreeBytes + fileBytes + growingBytes;
  }

  async #isWanted(count: number): Promise<boolean> {
    const { poolFiles } = this.#options;
    if (count <= poolFiles) return true;
    return count <= poolFiles + this.#need.takenLately && this.#hasRoom();
  }

  async #trim(): Promise<void> {
    const { disk, directory, log } = this.#options;
    try {
      while (!this.#isClosed && !(await this.#isWanted(this.#spares.length))) {
        const coldest = this.#spares.shift();
        if (coldest !== undefined) await disk.remove(coldest);
      }
    } catch (error) {
      log.warn("cannot remove unused WAL files", { directory, error: String(error) });
    }
  }

  async #keep(path: string): Promise<void> {
    const spare = this.#newPath();
    await this.#options.disk.rename(path, spare);
    this.#spares.push(spare);
    this.#need.watch();
  }

  async #make(growingBytes: number): Promise<void> {
    const { disk, fileBytes } = this.#options;
    const path = this.#newPath();
    const isStopped = (): boolean => this.#isClosed;
    if (!(await this.#hasRoom(growingBytes))) return;
    if (await fillWithZeros(disk, path, { fileBytes, isStopped })) this.#spares.unshift(path);
  }

  #newPath(): string {
    const { directory } = this.#options;
    return `${directory}/spare-${String(this.#nextNumber++).padStart(6, "0")}.log`;
  }
}

async function sizeOf(disk: Disk, path: string): Promise<number> {
  const file = await disk.open(path);
  try {
    return await file.size();
  } finally {
    await file.close();
  }
}

const zeroBytes = 1024 * 1024;

/** Makes a file of zeros. False if stopped half-way; nothing of it is left if it fails. */
async function fillWithZeros(
  disk: Disk,
  path: string,
  options: { fileBytes: number; isStopped: () => boolean },
): Promise<boolean> {
  const { fileBytes, isStopped } = options;
  const zeros = new Uint8Array(Math.min(zeroBytes, fileBytes));
  const file = await disk.open(path, { create: true });
  try {
    for (let at = 0; at < fileBytes && !isStopped(); at += zeros.length) {
      await file.write([zeros.subarray(0, Math.min(zeros.length, fileBytes - at))], at);
    }
    return !isStopped();
  } catch (error) {
    // It would take the space it could not have.
    await disk.remove(path);
    throw error;
  } finally {
    await file.close();
  }
}

type Need = {
  readonly takenLately: number;
  noteTaken(): void;
  /** There may be something to forget, or more spares than are needed. */
  watch(): void;
  stop(): Promise<void>;
};

/** Counts the files taken, and forgets half of them every half life. */
function createNeed(
  clock: Clock,
  options: { isOver: () => boolean; onFaded: () => Promise<void> },
): Need {
  let takenLately = 0;
  let isStopped = false;
  let cancel: (() => void) | null = null;
  let fading: Promise<void> = Promise.resolve();

  function watch(): void {
    if (cancel !== null || isStopped || (takenLately === 0 && options.isOver())) return;
    cancel = clock.after(halfLifeMs, () => {
      takenLately = Math.floor(takenLately / 2);
      fading = options.onFaded().finally(() => {
        cancel = null;
        watch();
      });
    });
  }

  return {
    get takenLately() {
      return takenLately;
    },
    noteTaken() {
      takenLately += 1;
      watch();
    },
    watch,
    stop() {
      isStopped = true;
      cancel?.();
      return fading;
    },
  };
}
