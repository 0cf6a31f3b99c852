import type { DiskCall } from "../../../adapters/memory/disk-port.ts";
import { createDiskPort } from "../../../adapters/memory/disk-port.ts";
import type { DiskContents } from "../../../adapters/memory/disk-space.ts";
import { createDiskContents } from "../../../adapters/memory/disk-space.ts";
import type { Loss } from "../../../adapters/memory/stored-file.ts";
import { createStoredFile } from "../../../adapters/memory/stored-file.ts";
import type { Disk } from "../../../ports/disk.ts";
import type { SimHost } from "../machine/sim-host.ts";
import type { SimProcess } from "../machine/sim-process.ts";
import type { Stream } from "../world/random-streams.ts";
import type { World } from "../world/world.ts";
import { DiskQueue } from "./disk-queue.ts";

/** What a directory held at some time. */
export type DirectoryCopy = ReadonlyMap<string, Uint8Array>;

const ordinaryCapacityBytes = 2 ** 34;

/**
 * The disk of a host: what its kernel holds survives processes, what was flushed survives the host. Processes use it through `attach`; a killed one leaves
 * the calls it had under way done, half done or not done.
 */
export class SimDisk {
  readonly host: SimHost;
  readonly contents: DiskContents;
  readonly #world: World;
  readonly #stream: Stream;
  readonly #locks = new Map<string, SimProcess>();
  /** How slow this host's disk is, of its kind. */
  readonly #slowness: number;
  #isSlow = false;
  #fileSystem = 1;
  /** A flush has failed: pages count as clean that are not on the disk, and will be gone with the power however often they are flushed. */
  hasFalsePages = false;
  /** How often the power went, how often what was not flushed went with it, and how often what was flushed was lost. */
  readonly losses = { power: 0, unflushed: 0, flushed: 0 };

  constructor(world: World, host: SimHost) {
    this.#world = world;
    this.host = host;
    this.#stream = world.stream(`disk ${host.name}`);
    this.#slowness = this.#stream.logBetween(0.3, 5);
    this.contents = createDiskContents(ordinaryCapacityBytes, "");
    this.#noteBoot();
    host.onHostEvent({ lostPower: () => this.#lostPower(), booted: () => this.#noteBoot() });
  }

  attach(process: SimProcess): Disk {
    const queue = new DiskQueue({
      world: this.#world,
      process,
      contents: this.contents,
      latencyMs: (call) => this.#latencyMs(call),
      onFailedFlush: () => void (this.hasFalsePages = true),
    });
    process.onEnd(() => {
      queue.abandon();
      for (const [path, holder] of this.#locks) {
        if (holder === process) this.#locks.delete(path);
      }
    });
    return createDiskPort({
      contents: this.contents,
      submit: (call) => queue.submit(call),
      takeLock: (path) => {
        if (this.#locks.has(path)) return null;
        this.#locks.set(path, process);
        return () => this.#locks.delete(path);
      },
    });
  }

  get files(): DiskContents["files"] {
    return this.contents.files;
  }

  usedBytes(): number {
    let used = 0;
    for (const file of this.contents.files.values()) used += file.size();
    return used;
  }

  /** Leaves that many bytes free, or what it has by nature. */
  setFreeBytes(bytes: number | null): void {
    this.#world.trace(() => `the disk of ${this.host.name} has ${bytes ?? "its"} bytes free`);
    this.contents.capacityBytes = bytes === null ? ordinaryCapacityBytes : this.usedBytes() + bytes;
  }

  setSlow(isSlow: boolean): void {
    this.#isSlow = isSlow;
  }

  /** Turns over one bit of one of the files the pattern finds; its name, or null if there is none. */
  flipBit(pattern: RegExp, stream: Stream): string | null {
    const found = [...this.contents.files].filter(
      ([path, file]) => pattern.test(path) && file.size() > 0,
    );
    if (found.length === 0) return null;
    const [path, file] = stream.pick(found);
    const position = stream.int(file.size());
    file.flipBit(position, stream.int(8));
    this.losses.flushed++;
    this.#world.trace(() => `a bit of ${path} of ${this.host.name} turns over at ${position}`);
    return path;
  }

  /** What `directory` holds now, unflushed bytes too. */
  copy(directory: string): DirectoryCopy {
    const copied = new Map<string, Uint8Array>();
    for (const [path, file] of this.contents.files) {
      if (!path.startsWith(`${directory}/`)) continue;
      const bytes = new Uint8Array(file.size());
      file.read(bytes, 0);
      copied.set(path.slice(directory.length), bytes);
    }
    return copied;
  }

  /** Puts back what a copy holds, in place of what is there. Nothing may be running on it. */
  restore(directory: string, copied: DirectoryCopy): void {
    this.wipe(directory);
    for (const [name, bytes] of copied)
      this.#place(directory + name, createStoredFile(bytes.slice()));
  }

  /** A directory whose files are gone; on a new volume, the file system is another. */
  wipe(directory: string, { isNewVolume = false } = {}): void {
    this.losses.flushed++;
    for (const path of this.contents.files.keys()) {
      if (path.startsWith(`${directory}/`)) this.contents.files.delete(path);
    }
    for (const path of this.contents.directories) {
      if (path.startsWith(`${directory}/`)) this.contents.directories.delete(path);
    }
    if (!isNewVolume) return;
    this.#fileSystem++;
    this.#noteBoot();
  }

  #place(path: string, file: ReturnType<typeof createStoredFile>): void {
    this.contents.files.set(path, file);
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      this.contents.directories.add(path.slice(0, end));
    }
  }

  #noteBoot(): void {
    const { name, bootNumber } = this.host;
    this.contents.bootId = `${name}-boot-${bootNumber}-volume-${this.#fileSystem}`;
  }

  /** Each file's pages had been written back, or not, in whatever order. */
  #lostPower(): void {
    const { files } = this.contents;
    this.losses.power++;
    if (this.hasFalsePages) this.losses.flushed++;
    this.hasFalsePages = false;
    let isWhole = true;
    for (const [path, file] of files) {
      const loss = this.#drawLoss();
      if (loss === null) continue;
      isWhole = false;
      files.set(path, file.afterLoss(loss, this.#stream));
    }
    if (!isWhole) this.losses.unflushed++;
  }

  #drawLoss(): Loss | null {
    const { faults } = this.#world;
    if (faults.strikes("disk.kept")) return null;
    if (faults.strikes("disk.reordered")) return { reorderPages: true };
    return { lostUnflushed: true, tornTail: faults.strikes("disk.torn") };
  }

  #latencyMs(call: DiskCall): number {
    const { faults } = this.#world;
    const slowness = this.#slowness * this.#stream.between(0.5, 2) * (this.#isSlow ? 10 : 1);
    const stallMs = faults.strikes("disk.stall")
      ? faults.stream("disk.stall").logBetween(50, 3_000)
      : 0;
    return usualMs(call) * slowness + stallMs;
  }
}

/** Of an NVMe disk: a write goes to the page cache, a flush to the device. */
function usualMs({ operation, from, to }: DiskCall): number {
  switch (operation) {
    case "write":
      return 0.02 + (to - from) / 1e6;
    case "read":
      return 0.08 + Math.min(to - from, 1e7) / 1e6;
    case "flush":
      return 0.6;
    case "readFile":
    case "list":
    case "open":
      return 0.1;
    case "writeFile":
    case "remove":
    case "rename":
    case "makeDirectory":
      return 1;
    case "size":
    case "lock":
    case "bootId":
    case "freeBytes":
      return 0.01;
  }
}
