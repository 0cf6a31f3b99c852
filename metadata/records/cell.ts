import { int, nullable, string } from "./field-types.ts";
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
