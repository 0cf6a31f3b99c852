import { DiskError } from "../../ports/disk.ts";
import { commitControl } from "./log-control.ts";
import { bytesBetween } from "./log-size.ts";
import { LogReadError } from "./partition-log.ts";
import type { StoredLog } from "./stored-log.ts";

/** Where the log begins, and where it begins on this disk. */
type StartKind = "logStart" | "localStart";

/** One after the other: each is measured where the one before it ended. False if it could not be done. */
export async function moveStart(log: StoredLog, kind: StartKind, offset: number): Promise<boolean> {
  const applied = log.moving.then(() => applyStart(log, kind, offset));
  log.moving = applied.catch(() => undefined);
  const move = await applied;
  await move?.committed;
  if (move !== null) log.context.onShrunk();
  return move !== null;
}

/** Start and size change at once, in memory and in the entry: a checkpoint or a replay never has one without the other. */
async function applyStart(
  log: StoredLog,
  kind: StartKind,
  offset: number,
): Promise<{ committed: Promise<void> } | null> {
  let goneBytes: number;
  let cutCount: number;
  do {
    ({ cutCount } = log);
    try {
      goneBytes = await bytesBetween(log, log.localStartOffset, offset);
    } catch (error) {
      if (error instanceof LogReadError || error instanceof DiskError) return null;
      throw error;
    }
  } while (cutCount !== log.cutCount);
  if (log.failure !== null || log.isDropped) return null;
  const current = kind === "logStart" ? log.logStartOffset : log.localStartOffset;
  if (offset <= current) return { committed: Promise.resolve() };
  // A recovery may have cut the log below it meanwhile.
  if (offset > log.highWatermark) return null;
  const committed = commitControl(log, kind, { baseOffset: offset, goneBytes });
  if (kind === "logStart") log.beginAt(offset, goneBytes);
  else log.beginLocallyAt(offset, goneBytes);
  return { committed };
}
