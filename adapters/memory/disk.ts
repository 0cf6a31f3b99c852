// A disk in memory that fails when told to and crashes as real ones do. Calls take effect when the scheduler runs them, in order per path.
import type { Disk } from "../../ports/disk.ts";
import { DiskError } from "../../ports/disk.ts";
import type { DiskFaults, FaultPlan } from "./disk-faults.ts";
import { createFaultPlan } from "./disk-faults.ts";
import type { DiskCall, SubmitDiskCall } from "./disk-port.ts";
import { createDiskPort } from "./disk-port.ts";
import type { DiskContents } from "./disk-space.ts";
import { createDiskContents, existingFile } from "./disk-space.ts";
import { createSeededRandom } from "./random.ts";
import type { Loss } from "./stored-file.ts";

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
  const contents = createDiskContents(options.capacityBytes ?? 2 ** 40, bootIdOf(1));
  return createDisk(contents, { schedule: options.schedule ?? queueMicrotask, bootNumber: 1 });
}

type Life = { readonly schedule: Schedule; readonly bootNumber: number };

function createDisk(contents: DiskContents, life: Life): MemoryDisk {
  const plan = createFaultPlan();
  const calls = createCalls(plan, life.schedule);
  const locks = new Set<string>();
  const disk = createDiskPort({
    contents,
    submit: calls.submit,
    takeLock(path) {
      if (locks.has(path)) return null;
      locks.add(path);
      return () => locks.delete(path);
    },
  });
  return {
    ...disk,
    faults: {
      ...plan,
      setCapacity(bytes) {
        contents.capacityBytes = bytes;
      },
      flipBit: (path, position, bit = 0) => existingFile(contents, path).flipBit(position, bit),
    },
    crash({ seed = 1, ...loss } = {}) {
      calls.end();
      const isHostCrash = loss.lostUnflushed === true || loss.reorderPages === true;
      const bootNumber = life.bootNumber + (isHostCrash ? 1 : 0);
      const left = contentsAfter(contents, loss, seed);
      return createDisk({ ...left, bootId: bootIdOf(bootNumber) }, { ...life, bootNumber });
    },
  };
}

type Calls = {
  /** Runs the call's effect after every earlier call on the same path, save that reads and writes pass a flush beside them. */
  submit: SubmitDiskCall;
  end(): void;
};

function createCalls(plan: FaultPlan, schedule: Schedule): Calls {
  const tails = new Map<string, Promise<unknown>>();
  /** Flushes that reads and writes do not wait for. */
  const beside = new Map<string, Promise<unknown>>();
  let isCrashed = false;

  async function run<T>(call: DiskCall<T>, earlier: Promise<unknown>[]): Promise<T> {
    const { operation, path } = call;
    for (const each of earlier) await each.catch(() => undefined);
    call.begun();
    await plan.heldUntil(operation, path);
    await new Promise<void>((resolve) => schedule(resolve));
    if (isCrashed) throw new DiskError("io", "the machine crashed");
    try {
      plan.check(operation, path);
    } catch (error) {
      call.failed();
      throw error;
    }
    const shortBytes = operation === "write" ? plan.takeShortWrite(path) : null;
    return shortBytes === null ? call.effect() : call.effect(shortBytes);
  }

  return {
    submit(call) {
      const paths = call.otherPath === null ? [call.path] : [call.path, call.otherPath];
      const passes = call.operation === "write" || call.operation === "read";
      const before = passes ? [tails] : [tails, beside];
      const earlier = paths.flatMap((path) => before.flatMap((calls) => calls.get(path) ?? []));
      const result = run(call, earlier);
      const latest = call.isBesideWrites ? beside : tails;
      for (const path of paths) {
        latest.set(path, result);
        const forget = (): void => {
          if (latest.get(path) === result) latest.delete(path);
        };
        result.then(forget, forget);
      }
      return result;
    },
    end() {
      isCrashed = true;
    },
  };
}

function bootIdOf(bootNumber: number): string {
  return `memory-boot-${bootNumber}`;
}

function contentsAfter(contents: DiskContents, loss: Loss, seed: number): DiskContents {
  const random = createSeededRandom(seed);
  const left = createDiskContents(contents.capacityBytes, contents.bootId);
  for (const [path, file] of contents.files) left.files.set(path, file.afterLoss(loss, random));
  for (const path of contents.directories) left.directories.add(path);
  return left;
}
