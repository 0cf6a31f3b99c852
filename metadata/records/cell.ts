import { int, nullable, oneOf, string } from "./field-types.ts";
import type { InferFields } from "./field-types.ts";
import { recordKind } from "./record-kind.ts";

/** The first record of a cell (and, after a restore, of its continued log). */
export const genesisRecord = recordKind("genesis", 1, {
  cellId: string,
  level: int,
  createdAtMs: int,
});

/** Every process of the cell understands `level` now: writers encode at it from the next entry on. */
export const levelRecord = recordKind("level", 2, { level: int });

/** `brokerId` null: nobody decides for the cell; `epoch` never goes back. */
export const controllerRecord = recordKind("controller", 3, {
  brokerId: nullable(int),
  epoch: int,
});

/** Counters that must survive what they counted: written by snapshots, derived from the other records in between. */
export const countersRecord = recordKind("counters", 4, {
  nextBrokerId: int,
  nextPortOffset: int,
  nextProducerId: int,
});

const sleepStates = ["awake", "fallingAsleep", "asleep"] as const;

const sleepFields = {
  state: oneOf(sleepStates),
  /** Of the entry in which sleep was asked for; 0 while awake. */
  revision: int,
  /** When that was; 0 while awake. */
  startedAtMs: int,
} as const;

/**
 * Whether the cell sleeps (storage.md, "Sleep, wake, drain to nothing"). Falling asleep it takes no records, and leaders bring what they hold to the object
 * store; asleep it needs no broker and no disk.
 */
export type CellSleep = InferFields<typeof sleepFields>;

export const awake: CellSleep = Object.freeze({ state: "awake", revision: 0, startedAtMs: 0 });

export const cellSleepRecord = recordKind("cellSleep", 7, sleepFields, { since: 6 });
