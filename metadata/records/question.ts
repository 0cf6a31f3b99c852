import { array, int } from "./field-types.ts";
import { recordKind } from "./record-kind.ts";

/**
 * A broker that cannot hear others asks them where it can still be read: are they there? Whoever is not in office asks whoever is; a controller asks those
 * that are silent. A broker has one question at a time: the next takes the place of the last.
 */
export const questionRecord = recordKind(
  "question",
  5,
  {
    brokerId: int,
    /** Of the entry that asks. */
    revision: int,
    /** Who has yet to answer. */
    asked: array(int),
    /** Brokers that answer each other where this one is, itself included. */
    heardCount: int,
  },
  { since: 5 },
);

/** To the questions of these brokers, as far as they wait for this one. */
export const answerRecord = recordKind(
  "answer",
  6,
  { brokerId: int, askedBy: array(int) },
  { since: 5 },
);
