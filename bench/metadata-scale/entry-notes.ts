import type { Clock } from "../../ports/clock.ts";

/** One entry of the log, by who looked over its writer's shoulder. */
export type EntryNote = {
  readonly revision: number;
  /** Of the command that decided it. */
  readonly name: string;
  /** As stored: compressed, with its header. */
  readonly bytes: number;
  readonly decideMs: number;
  readonly encodeMs: number;
  /** When its writer had been told. */
  readonly atMs: number;
};

export type EntryNotes = {
  readonly entries: readonly EntryNote[];
  readonly conflictCount: number;
  /** Times a process found that the log did not answer. */
  readonly unansweredCount: number;
  appended(note: Omit<EntryNote, "atMs">, outcome: "accepted" | "conflict"): void;
  noteUnanswered(): void;
};

export function createEntryNotes(clock: Clock): EntryNotes {
  const entries: EntryNote[] = [];
  let conflictCount = 0;
  let unansweredCount = 0;
  return {
    entries,
    get conflictCount() {
      return conflictCount;
    },
    get unansweredCount() {
      return unansweredCount;
    },
    appended(note, outcome) {
      if (outcome === "accepted") entries.push({ ...note, atMs: clock.monotonicMs() });
      else conflictCount += 1;
    },
    noteUnanswered() {
      unansweredCount += 1;
    },
  };
}
