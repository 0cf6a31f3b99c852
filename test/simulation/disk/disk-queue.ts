import type { DiskCall } from "../../../adapters/memory/disk-port.ts";
import type { DiskContents } from "../../../adapters/memory/disk-space.ts";
import { unfinishedEnding } from "../../../adapters/memory/disk-space.ts";
import { createStoredFile } from "../../../adapters/memory/stored-file.ts";
import { DiskError } from "../../../ports/disk.ts";
import type { SimProcess } from "../machine/sim-process.ts";
import type { FaultName } from "../world/fault-table.ts";
import type { World } from "../world/world.ts";

type QueueOptions = {
  readonly world: World;
  readonly process: SimProcess;
  readonly contents: DiskContents;
  readonly latencyMs: (call: DiskCall) => number;
  /** What was to be flushed counts as clean, and is not on the disk. */
  readonly onFailedFlush: () => void;
};

type UnderWay = {
  readonly call: DiskCall;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  isStarted: boolean;
};

/** One process's calls on a disk, in the order the port promises, each taking its time. */
export class DiskQueue {
  readonly #options: QueueOptions;
  readonly #byPath = new Map<string, UnderWay[]>();

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  submit<T>(call: DiskCall<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const entry: UnderWay = {
        call,
        resolve: resolve as (value: unknown) => void,
        reject,
        isStarted: false,
      };
      this.#listOf(call.path).push(entry);
      if (call.otherPath !== null) this.#listOf(call.otherPath).push(entry);
      this.#startIfFree(entry);
    });
  }

  /**
   * The process is gone. What the kernel had been asked for is done, or half done, or not; what was only queued in the process never is. On a host without
   * power this comes before the question of what was flushed.
   */
  abandon(): void {
    const { contents, world } = this.#options;
    const stream = world.stream(`interrupted ${this.#options.process.host.name}`);
    const started = [...new Set([...this.#byPath.values()].flat())].filter(
      (each) => each.isStarted,
    );
    this.#byPath.clear();
    for (const { call } of started) {
      const fate = stream.float();
      if (fate < 0.4) continue;
      if (call.operation === "writeFile" && fate < 0.6) {
        contents.files.set(call.path + unfinishedEnding, createStoredFile(stream.bytes(10)));
        continue;
      }
      const maxBytes =
        call.operation === "write" && fate < 0.7 ? stream.int(call.to - call.from) : undefined;
      this.#effectOf(call, maxBytes);
    }
  }

  #effectOf(call: DiskCall, maxBytes: number | undefined): void {
    try {
      if (maxBytes === undefined) call.effect();
      else call.effect(maxBytes);
    } catch (error) {
      // Nobody is left to be told.
      if (!(error instanceof DiskError)) throw error;
    }
  }

  #listOf(path: string): UnderWay[] {
    let list = this.#byPath.get(path);
    if (list === undefined) {
      list = [];
      this.#byPath.set(path, list);
    }
    return list;
  }

  #startIfFree(entry: UnderWay): void {
    const { call } = entry;
    if (this.#mustWait(entry, call.path)) return;
    if (call.otherPath !== null && this.#mustWait(entry, call.otherPath)) return;
    entry.isStarted = true;
    call.begun();
    const { world, latencyMs } = this.#options;
    world.schedule(latencyMs(call), "disk", () => this.#perform(entry));
  }

  #mustWait(entry: UnderWay, path: string): boolean {
    for (const earlier of this.#byPath.get(path) ?? []) {
      if (earlier === entry) return false;
      if (conflicts(earlier.call, entry.call)) return true;
    }
    return false;
  }

  #perform(entry: UnderWay): void {
    const { world, process } = this.#options;
    if (process.isDead) return;
    const { call, resolve, reject } = entry;
    world.hash.add(call.from);
    world.hash.add(call.to);
    let value: unknown;
    let failure: DiskError | null = null;
    try {
      value = this.#outcome(call);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      failure = error;
    }
    this.#remove(entry, call.path);
    if (call.otherPath !== null) this.#remove(entry, call.otherPath);
    process.deliver(() => {
      if (failure === null) resolve(value);
      else reject(failure);
    });
  }

  #outcome(call: DiskCall): unknown {
    const { world, process } = this.#options;
    const fault = this.#faultOf(call);
    if (fault === null) return call.effect();
    world.trace(() => `${fault} strikes ${process.name}: ${call.operation} of ${call.path}`);
    if (fault === "disk.writeShort") {
      // Rejects by itself.
      return call.effect(world.faults.stream(fault).int(call.to - call.from));
    }
    call.failed();
    if (fault === "disk.flushFails") this.#options.onFailedFlush();
    throw new DiskError("io", `${fault}: ${call.operation} of ${call.path}`);
  }

  #faultOf({ operation }: DiskCall): FaultName | null {
    const { faults } = this.#options.world;
    const candidates = faultsOf[operation];
    if (candidates === undefined) return null;
    for (const name of candidates) if (faults.strikes(name)) return name;
    return null;
  }

  #remove(entry: UnderWay, path: string): void {
    const list = this.#byPath.get(path);
    if (list === undefined) return;
    list.splice(list.indexOf(entry), 1);
    if (list.length === 0) this.#byPath.delete(path);
    else for (const next of list.slice()) if (!next.isStarted) this.#startIfFree(next);
  }
}

const faultsOf: Partial<Record<DiskCall["operation"], readonly FaultName[]>> = {
  write: ["disk.writeFails", "disk.writeShort"],
  flush: ["disk.flushFails"],
  read: ["disk.readFails"],
  readFile: ["disk.readFails"],
  open: ["disk.nameFails"],
  writeFile: ["disk.nameFails"],
  remove: ["disk.nameFails"],
  rename: ["disk.nameFails"],
  makeDirectory: ["disk.nameFails"],
};

type Kind = DiskCall["operation"];

const isFileKind = (kind: Kind): boolean =>
  kind === "read" || kind === "write" || kind === "flush" || kind === "size";

/** As adapters/node/file-order.ts: on one open file a read may pass a write of other bytes, and a write a flush. */
function conflicts(earlier: DiskCall, later: DiskCall): boolean {
  if (!isFileKind(earlier.operation) || !isFileKind(later.operation)) return true;
  if (earlier.operation !== "write" && later.operation !== "write") return false;
  if (later.operation === "flush" || later.operation === "size" || earlier.operation === "size") {
    return true;
  }
  if (earlier.operation === "flush") return false;
  return earlier.from < later.to && later.from < earlier.to;
}
