// A disk in memory that fails when told to and crashes as real ones do. Calls take effect when the scheduler runs them, in order per path.
import type { Disk, DiskFile } from "../../ports/disk.ts";
import { DiskError } from "../../ports/disk.ts";
import type { DiskFaults, DiskOperation, FaultPlan } from "./disk-faults.ts";
import { createFaultPlan } from "./disk-faults.ts";
import type { DiskContents } from "./disk-space.ts";
import {
  existingFile,
  freeBytes,
  listDirectory,
  makeDirectories,
  replaceFile,
  writeWhatFits,
} from "./disk-space.ts";
import { createSeededRandom } from "./random.ts";
import type { Loss, StoredFile } from "./stored-file.ts";

export type MemoryDisk = Disk & {
  readonly faults: DiskFaults;
  /**
   * Ends this disk (pending and later calls reject) and returns what a new process would find: after a process crash (no option, or tornTail) what
   * was written; after a host crash (lostUnflushed, reorderPages), under a new boot id, what was flushed and what luck left.
   */
  crash(options?: CrashOptions): MemoryDisk;
};

export type CrashOptions = Loss & {
  /** Decides where tears fall and which pages survive. */
  seed?: number;
};

export type MemoryDiskOptions = {
  /** How much all files together may hold; 1 TiB by default. */
  capacityBytes?: number;
  /** Runs a call's effect later; a microtask by default. */
  schedule?: Schedule;
};

type Schedule = (run: () => void) => void;

export function createMemoryDisk(options: MemoryDiskOptions = {}): MemoryDisk {
  const contents: DiskContents = {
    files: new Map(),
    directories: new Set(["/"]),
    capacityBytes: options.capacityBytes ?? 2 ** 40,
    bootNumber: 1,
  };
  return createDisk(contents, options.schedule ?? queueMicrotask);
}

type Calls = {
  readonly plan: FaultPlan;
  /** Runs `effect` after every earlier call on the same path. */
  add<T>(operation: DiskOperation, path: string, effect: () => T): Promise<T>;
  /** Settles once the calls on `path` so far have. */
  idle(path: string): Promise<void>;
  assertAlive(): void;
  end(): void;
};

function createDisk(contents: DiskContents, schedule: Schedule): MemoryDisk {
  const calls = createCalls(schedule);
  return {
    ...nameOperations(contents, calls),
    ...placeOperations(contents, calls),
    faults: {
      ...calls.plan,
      setCapacity(bytes) {
        contents.capacityBytes = bytes;
      },
      flipBit: (path, position, bit = 0) => existingFile(contents, path).flipBit(position, bit),
    },
    crash({ seed = 1, ...loss } = {}) {
      calls.end();
      return createDisk(contentsAfter(contents, loss, seed), schedule);
    },
  };
}

function createCalls(schedule: Schedule): Calls {
  const plan = createFaultPlan();
  const tails = new Map<string, Promise<unknown>>();
  let isCrashed = false;
  const assertAlive = (): void => {
    if (isCrashed) throw new DiskError("io", "the machine crashed");
  };
  const idle = async (path: string): Promise<void> => {
    await tails.get(path)?.catch(() => undefined);
  };
  return {
    plan,
    add(operation, path, effect) {
      const earlier = idle(path);
      const run = async (): Promise<ReturnType<typeof effect>> => {
        await earlier;
        await plan.heldUntil(operation, path);
        await new Promise<void>((resolve) => schedule(resolve));
        assertAlive();
        plan.check(operation, path);
        return effect();
      };
      const result = run();
      tails.set(path, result);
      const forget = (): void => {
        if (tails.get(path) === result) tails.delete(path);
      };
      result.then(forget, forget);
      return result;
    },
    idle,
    assertAlive,
    end() {
      isCrashed = true;
    },
  };
}

function nameOperations(
  contents: DiskContents,
  calls: Calls,
): Omit<Disk, "lock" | "bootId" | "freeBytes"> {
  const { files } = contents;
  return {
    makeDirectory: (path) =>
      calls.add("makeDirectory", path, () => makeDirectories(contents, path)),
    list: (path) => calls.add("list", path, () => listDirectory(contents, path)),
    readFile: (path) =>
      calls.add("readFile", path, () => {
        const file = files.get(path);
        if (file === undefined) return null;
        const bytes = new Uint8Array(file.size());
        file.read(bytes, 0);
        return bytes;
      }),
    writeFile(path, bytes) {
      const copy = bytes.slice();
      return calls.add("writeFile", path, () => replaceFile(contents, path, copy));
    },
    remove: (path) => calls.add("remove", path, () => void files.delete(path)),
    async rename(from, to) {
      // Both names see the calls before it.
      await calls.idle(to);
      await calls.add("rename", from, () => {
        files.set(to, existingFile(contents, from));
        files.delete(from);
      });
    },
    open: (path, { create = false } = {}) =>
      calls.add("open", path, () => {
        if (create && !files.has(path)) replaceFile(contents, path, new Uint8Array(0));
        return openFile({ contents, calls }, path, existingFile(contents, path));
      }),
  };
}

function placeOperations(
  contents: DiskContents,
  calls: Calls,
): Pick<Disk, "lock" | "bootId" | "freeBytes"> {
  const locks = new Set<string>();
  return {
    async lock(path) {
      calls.assertAlive();
      if (locks.has(path)) return null;
      locks.add(path);
      let isHeld = true;
      return {
        async close() {
          if (isHeld) locks.delete(path);
          isHeld = false;
        },
      };
    },
    async bootId() {
      calls.assertAlive();
      return `memory-boot-${contents.bootNumber}`;
    },
    async freeBytes() {
      calls.assertAlive();
      return freeBytes(contents);
    },
  };
}

function openFile(
  { contents, calls }: { contents: DiskContents; calls: Calls },
  path: string,
  file: StoredFile,
): DiskFile {
  let isClosed = false;
  let flushFailure: unknown = null;
  function add<T>(operation: DiskOperation, effect: () => T): Promise<T> {
    if (isClosed) return Promise.reject(new DiskError("closed", `${path} is closed`));
    return calls.add(operation, path, effect);
  }
  const assertNoFlushFailed = (): void => {
    if (flushFailure !== null) throw flushFailure;
  };
  return {
    size: () => add("size", () => file.size()),
    write: (chunks, position) =>
      add("write", () => {
        assertNoFlushFailed();
        writeWhatFits(contents, { file, path, plan: calls.plan }, { chunks, position });
      }),
    async flush() {
      try {
        await add("flush", () => {
          assertNoFlushFailed();
          file.flush();
        });
      } catch (error) {
        flushFailure = error;
        throw error;
      }
    },
    read: (target, position) => add("read", () => file.read(target, position)),
    async close() {
      isClosed = true;
      await calls.idle(path);
    },
  };
}

function contentsAfter(contents: DiskContents, loss: Loss, seed: number): DiskContents {
  const random = createSeededRandom(seed);
  const isHostCrash = loss.lostUnflushed === true || loss.reorderPages === true;
  const files = new Map<string, StoredFile>();
  for (const [path, file] of contents.files) files.set(path, file.afterLoss(loss, random));
  return {
    files,
    directories: new Set(contents.directories),
    capacityBytes: contents.capacityBytes,
    bootNumber: contents.bootNumber + (isHostCrash ? 1 : 0),
  };
}
