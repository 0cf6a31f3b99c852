import type { ErrorName } from "../../protocol/errors.ts";
import type { KeyValue } from "./coordinator-log.ts";

/**
 * What plugs into the runtime: the state of one shard. Two layers live in it. *Kept* state is what the log holds: only `replay` changes it, at load and
 * right after a decision, so that the next decision sees it before it is committed. *Passing* state (parked requests, deadlines) dies with the instance:
 * a failed append throws the instance away and a new one replays the log.
 */
export type StateMachine<Entry> = {
  encode(entry: Entry): KeyValue;
  /** Throws on a record this version does not know: serving from half a state would be worse than not serving. Keeps no view of the bytes. */
  decode(record: KeyValue): Entry;
  /** Applies one entry to the kept state; nothing else. No clock, no reply, no record. */
  replay(entry: Entry): void;
  /** The whole log was replayed: build the passing state that follows from it. */
  loaded(nowMs: number): void;
  /**
   * The kept state as entries, one per live key, for the rewrite. Walked over many batches while the state changes: an entry is as of the moment it is
   * yielded, a key deleted meanwhile is not yielded, one added meanwhile may or may not be. Must end even if keys are added for ever.
   */
  liveEntries(): Iterator<Entry>;
  /** When `onTimer` wants to be called (the clock's monotonic time), or null. Asked after every decision. */
  nextTimerMs(): number | null;
  /** Timers decide like requests do. */
  onTimer(time: Time): Decision<Entry, unknown>;
  /** The instance is going away: answer everything parked with `error`. */
  abandon(error: CoordinatorError): void;
};

/** `nowMs`: monotonic, for deadlines. `wallMs`: since the epoch, for what is kept. */
export type Time = { readonly nowMs: number; readonly wallMs: number };

/** What a decision yields: entries for the log, and the reply to give once they are committed. */
export type Decision<Entry, Reply> = {
  readonly entries: readonly Entry[];
  readonly reply: Reply;
  /** Called once instead of the reply being given if the entries are more than one batch may hold; nothing was replayed. */
  readonly tooLarge?: () => void;
  /**
   * Called at most once, when the entries have not been committed in time: answers whoever waits for them, and decides what follows. They may be
   * committed yet, and the reply is given then. Absent: the reply is COORDINATOR_NOT_AVAILABLE, at that time.
   */
  readonly overdue?: (time: Time) => Decision<Entry, unknown>;
};

/** What a shard answers for itself: it is not (yet, any more) able to serve, or the decision does not fit in a batch. All but the last are retriable. */
export type CoordinatorError = Extract<
  ErrorName,
  | "COORDINATOR_LOAD_IN_PROGRESS"
  | "NOT_COORDINATOR"
  | "COORDINATOR_NOT_AVAILABLE"
  | "RECORD_LIST_TOO_LARGE"
>;

export type Outcome<Reply> =
  | { readonly kind: "done"; readonly reply: Reply }
  | { readonly kind: "failed"; readonly error: CoordinatorError };
