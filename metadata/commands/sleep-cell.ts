import type { Image } from "../image/image.ts";
import { isAtRest } from "../image/seals.ts";
import { awake, cellSleepRecord } from "../records/cell.ts";
import type { CellSleep } from "../records/cell.ts";
import { noLeader } from "../records/partition.ts";
import type { MetadataRecord } from "../records/table.ts";
import { accepted, rejected } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";

/** How far a cell is that falls asleep. */
export type SleepProgress = {
  /** Partitions that need no broker to keep what they have. */
  readonly restingCount: number;
  readonly partitionCount: number;
  /** Without a leader nobody can bring a partition to the object store: the cell waits for a broker of its. */
  readonly leaderlessCount: number;
};

/**
 * Asks for sleep (storage.md, "Sleep, wake, drain to nothing"): from this entry on no records are taken, and leaders seal their partitions; the controller
 * tells when all are (fallAsleep). Asked again it is the same sleep. A cell in which nothing is to be sealed sleeps at once, also without any broker.
 */
export function sleepCell(
  image: Image,
  { revision, nowMs }: Pick<CommandContext, "revision" | "nowMs">,
): Decision<CellSleep, "UNSUPPORTED_VERSION"> {
  if (image.level < cellSleepRecord.since) {
    const message = `metadata level ${image.level} knows no sleep; the controller raises it a day after every broker knows ${cellSleepRecord.since}`;
    return rejected("UNSUPPORTED_VERSION", message);
  }
  if (image.sleep.state !== "awake") return accepted([], image.sleep);
  const state = isAllAtRest(image) ? "asleep" : "fallingAsleep";
  const sleep: CellSleep = { state, revision, startedAtMs: nowMs };
  return accepted([{ kind: "cellSleep", ...sleep }], sleep);
}

/** Of the controller: the cell sleeps once every partition is sealed, or has never had a record. Until then nothing happens. */
export function fallAsleep(image: Image): Decision<CellSleep, never> {
  const { sleep } = image;
  if (sleep.state !== "fallingAsleep" || !isAllAtRest(image)) return accepted([], sleep);
  const asleep: CellSleep = { ...sleep, state: "asleep" };
  return accepted([{ kind: "cellSleep", ...asleep }], asleep);
}

/** Ends the sleep, or takes it back before it has begun. Seals stay until leaders break them, so that nothing hangs on who comes back. */
export function wakeCell(image: Image): Decision<{ readonly ended: CellSleep | null }, never> {
  const { sleep } = image;
  return accepted(wakeRecords(image), { ended: sleep.state === "awake" ? null : sleep });
}

export function wakeRecords({ sleep }: Image): MetadataRecord[] {
  return sleep.state === "awake" ? [] : [{ kind: "cellSleep", ...awake }];
}

export function sleepProgress(image: Image): SleepProgress {
  let restingCount = 0;
  let leaderlessCount = 0;
  for (const { partitions } of image.topics.values()) {
    for (const partition of partitions) {
      if (isAtRest(partition)) restingCount += 1;
      else if (partition.leader === noLeader) leaderlessCount += 1;
    }
  }
  return { restingCount, partitionCount: image.partitionCount, leaderlessCount };
}

function isAllAtRest(image: Image): boolean {
  for (const { partitions } of image.topics.values()) {
    if (!partitions.every(isAtRest)) return false;
  }
  return true;
}
