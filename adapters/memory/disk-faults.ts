import type { DiskErrorCode } from "../../ports/disk.ts";
import { DiskError } from "../../ports/disk.ts";

export type DiskOperation =
  | "open"
  | "write"
  | "flush"
  | "read"
  | "size"
  | "readFile"
  | "writeFile"
  | "remove"
  | "rename"
  | "list"
  | "makeDirectory"
  | "lock"
  | "bootId"
  | "freeBytes";

export type FaultTarget = {
  /** Only files whose path contains this. */
  path?: string;
};

/** What a test may do to a disk. */
export type DiskFaults = {
  /** The next `times` (1) such calls reject, without effect. */
  failNext(
    operation: DiskOperation,
    options?: FaultTarget & { code?: DiskErrorCode; times?: number },
  ): void;
  /** The next write takes the first `bytes` bytes and rejects. */
  shortWriteNext(bytes: number, options?: FaultTarget): void;
  /** Such calls wait until the returned function is called; what was called before goes first. */
  hold(operation: DiskOperation, options?: FaultTarget): () => void;
  /** How much all files together may hold; beyond it writes take what fits and reject with `full`. */
  setCapacity(bytes: number): void;
  /** Turns one bit of a stored byte over, as a decaying disk does. */
  flipBit(path: string, position: number, bit?: number): void;
};

type Failure = FaultTarget & { operation: DiskOperation; code: DiskErrorCode; left: number };
type ShortWrite = FaultTarget & { bytes: number };
type Hold = FaultTarget & { operation: DiskOperation; released: Promise<void> };

export type FaultPlan = Pick<DiskFaults, "failNext" | "shortWriteNext" | "hold"> & {
  /** Throws if this call is to fail. */
  check(operation: DiskOperation, path: string): void;
  /** How many bytes the next write of `path` may take, or null for all. */
  takeShortWrite(path: string): number | null;
  /** What this call has to wait for, or null. */
  heldUntil(operation: DiskOperation, path: string): Promise<void> | null;
};

export function createFaultPlan(): FaultPlan {
  const failures: Failure[] = [];
  const shortWrites: ShortWrite[] = [];
  const holds = new Set<Hold>();
  return {
    failNext(operation, options = {}) {
      failures.push({ operation, code: "io", left: options.times ?? 1, ...options });
    },
    shortWriteNext(bytes, options = {}) {
      shortWrites.push({ ...options, bytes });
    },
    hold(operation, options = {}) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const hold = { ...options, operation, released: promise };
      holds.add(hold);
      return () => {
        holds.delete(hold);
        resolve();
      };
    },
    check(operation, path) {
      const failure = failures.find((one) => one.operation === operation && applies(one, path));
      if (failure === undefined) return;
      if (--failure.left === 0) failures.splice(failures.indexOf(failure), 1);
      throw new DiskError(failure.code, `${operation} of ${path} was told to fail`);
    },
    takeShortWrite(path) {
      const index = shortWrites.findIndex((one) => applies(one, path));
      return index < 0 ? null : (shortWrites.splice(index, 1)[0]?.bytes ?? null);
    },
    heldUntil(operation, path) {
      for (const hold of holds) {
        if (hold.operation === operation && applies(hold, path)) return hold.released;
      }
      return null;
    },
  };
}

function applies(target: FaultTarget, path: string): boolean {
  return target.path === undefined || path.includes(target.path);
}
