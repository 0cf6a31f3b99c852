import type {
  AppendResult,
  CoordinatorLog,
  KeyValue,
} from "../../../../broker/coordinator/coordinator-log.ts";
import { sizeBytes } from "../../../../broker/coordinator/coordinator-log.ts";

/** `refused`: nothing is written. `unknown`: it is written, and the caller is not told. */
export type AppendFault = "refused" | "unknown" | "fenced";

/** A log in memory that keeps what was let go of, so that tests can compare, and whose appends wait and fail on command. */
export type FakeCoordinatorLog = CoordinatorLog & {
  /** Every record ever written, from offset 0, whatever the log start. */
  readonly history: KeyValue[];
  logStart(): number;
  visibleBytes(): number;
  readonly batchSizes: number[];
  /** Appends wait from now on. */
  hold(): void;
  /** Lets what waits through, and later appends too. */
  release(): void;
  failNext(fault: AppendFault): void;
  /** Too few replicas are in sync from now on, or enough again. */
  runShort(isShort: boolean): void;
  failMoves(count: number, how?: "rejected" | "false"): void;
  failReads(count: number): void;
  /** Called after every change of what a new coordinator would read. */
  onChange(listener: () => void): void;
};

export function createFakeCoordinatorLog(): FakeCoordinatorLog {
  const history: KeyValue[] = [];
  const batchSizes: number[] = [];
  const faults: AppendFault[] = [];
  let start = 0;
  let isShort = false;
  let failingMoves = 0;
  let failingHow: "rejected" | "false" = "rejected";
  let failingReads = 0;
  let held: (() => void)[] | null = null;
  let changed = () => {};

  async function append(records: readonly KeyValue[]): Promise<AppendResult> {
    const waiting = held;
    if (waiting !== null) await new Promise<void>((resolve) => waiting.push(resolve));
    else await Promise.resolve();
    const fault = faults.shift();
    if (fault === "refused") return { kind: "unavailable", reason: "not enough replicas" };
    if (fault === "fenced") return { kind: "fenced", reason: "led elsewhere" };
    batchSizes.push(records.reduce((sum, record) => sum + sizeBytes(record), 0));
    history.push(...records.map(copyOf));
    changed();
    if (fault === "unknown") throw new Error("the answer was lost");
    return { kind: "committed", nextOffset: history.length };
  }

  return {
    history,
    batchSizes,
    append,
    isShortOfReplicas: () => isShort,
    runShort: (flag) => void (isShort = flag),
    async *read() {
      if (failingReads > 0) {
        failingReads -= 1;
        throw new Error("the disk does not answer");
      }
      const end = history.length;
      for (let offset = start; offset < end; offset += 100) {
        await Promise.resolve();
        const records = history.slice(offset, Math.min(offset + 100, end)).map(copyOf);
        yield { records, nextOffset: offset + records.length };
        // Lent bytes are the log's again: a machine that kept a view of them shows it.
        for (const { key, value } of records) {
          key.fill(0xaa);
          value?.fill(0xaa);
        }
      }
    },
    async moveLogStart(offset) {
      await Promise.resolve();
      if (failingMoves > 0) {
        failingMoves -= 1;
        if (failingHow === "false") return false;
        throw new Error("the manifest does not answer");
      }
      start = Math.max(start, offset);
      changed();
      return true;
    },
    logStart: () => start,
    visibleBytes: () => history.slice(start).reduce((sum, record) => sum + sizeBytes(record), 0),
    hold() {
      held ??= [];
    },
    release() {
      const waiting = held ?? [];
      held = null;
      for (const go of waiting) go();
    },
    failNext: (fault) => void faults.push(fault),
    failMoves: (count, how = "rejected") => void ((failingMoves = count), (failingHow = how)),
    failReads: (count) => void (failingReads = count),
    onChange: (listener) => void (changed = listener),
  };
}

function copyOf({ key, value }: KeyValue): KeyValue {
  return { key: Uint8Array.from(key), value: value === null ? null : Uint8Array.from(value) };
}
