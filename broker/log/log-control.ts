import { encodeLogBefore } from "./log-before.ts";
import type { LogBefore } from "./partition-log.ts";
import type { StoredLog } from "./stored-log.ts";
import { scheduleCommit } from "./wal-commit.ts";
import { encodeGoneBytes } from "./wal-entry.ts";
import { appendControl } from "./wal.ts";

/** Writes what happened to the log as an entry of its own; resolves once that is committed. */
export function commitControl(
  { context: { wal }, number, isFlushedFirst }: StoredLog,
  kind: "logStart" | "localStart" | "truncate" | "start" | "gap",
  at: { readonly baseOffset: number; readonly goneBytes: number; readonly before?: LogBefore },
): Promise<void> {
  return new Promise((resolve) => {
    appendControl(wal, {
      kind,
      partition: number,
      baseOffset: at.baseOffset,
      body: at.before === undefined ? encodeGoneBytes(at.goneBytes) : encodeLogBefore(at.before),
      // The log ends elsewhere now, and is counted by that.
      needsFlush: isFlushedFirst && (kind === "start" || kind === "gap"),
      onCommitted: resolve,
    });
    scheduleCommit(wal);
  });
}
