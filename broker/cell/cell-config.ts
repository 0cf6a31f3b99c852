import type { Rules } from "../../metadata/commands/rules.ts";

/** Times and bounds of a cell, in milliseconds where they are times. Kafka's names stand beside those it has too. */
export type CellConfig = {
  /** broker.session.timeout.ms: silence after which a broker, or the controller, is missed. */
  readonly sessionMs: number;
  /** broker.heartbeat.interval.ms */
  readonly heartbeatMs: number;
  /** How often the machine is to be told the time. */
  readonly tickMs: number;
  /** A tick later than this says that the process stood still: what it has not heard meanwhile proves nothing. */
  readonly lateTickMs: number;
  /** How often the metadata log is polled: by the controller and while there is none to be heard, and by those whom the controller tells. */
  readonly pollMs: number;
  readonly toldPollMs: number;
  readonly dialTimeoutMs: number;
  readonly voteTimeoutMs: number;
  /** Pause before something is asked again that had no answer. */
  readonly retryMs: number;
  /** replacement.delay: a broker gone for so long has its replicas made anew. */
  readonly replacementDelayMs: number;
  /** lost.delay: an ephemeral broker gone for so long takes nothing of its disk back. */
  readonly lostDelayMs: number;
  /** An ephemeral broker without replicas, gone for so long, is forgotten. */
  readonly unregisterDelayMs: number;
  readonly drainTimeoutMs: number;
  /** How long partitions that any broker may hold wait for more brokers, and for those that kept their disks. */
  readonly wakeDelayMs: number;
  /** level.delay: how long every broker has understood a metadata level before it is used. */
  readonly levelDelayMs: number;
  /** Partitions whose replicas move at one time. */
  readonly maxMoving: number;
  readonly leaderMovesPerMinute: number;
  readonly replicaMovesPerMinute: number;
  /** Whether acks=1 is answered while nobody can read the metadata log. */
  readonly servesAcks1WithoutLog: boolean;
  readonly rules: CellRules;
  /** Handed to every command; absent in a cell that keeps all of them. */
  readonly commandRules?: Rules;
};

/** The machine's own rules whose breach the simulator must notice. */
export type CellRules = {
  /** A new controller, and one that stood still, has listened for a session before silence means anything. */
  readonly listensBeforeFencing: boolean;
  /** A controller that hears fewer than half of the brokers takes nobody's silence for an end. */
  readonly hearsHalfToFence: boolean;
  /** Whoever misses the controller asks the others first. */
  readonly asksBeforeTakeover: boolean;
  /** Whoever hears nobody asks in the metadata log before it goes by that. */
  readonly asksInLog: boolean;
  /** A heartbeat whose counter goes back is no sign of life. */
  readonly countsHeartbeats: boolean;
  /** A leader that knows neither the log nor anybody who has read it stops serving. */
  readonly stopsWhenStale: boolean;
  /** A broker is back in service once it has replayed past its fencing. */
  readonly waitsForReplay: boolean;
};

export const cellRules: CellRules = {
  listensBeforeFencing: true,
  hearsHalfToFence: true,
  asksBeforeTakeover: true,
  asksInLog: true,
  countsHeartbeats: true,
  stopsWhenStale: true,
  waitsForReplay: true,
};

export const defaultCellConfig: CellConfig = {
  sessionMs: 9_000,
  heartbeatMs: 2_000,
  tickMs: 250,
  lateTickMs: 500,
  pollMs: 1_000,
  toldPollMs: 4_000,
  dialTimeoutMs: 1_000,
  voteTimeoutMs: 1_000,
  retryMs: 500,
  replacementDelayMs: 60_000,
  lostDelayMs: 10 * 60_000,
  unregisterDelayMs: 60 * 60_000,
  drainTimeoutMs: 100_000,
  wakeDelayMs: 3_000,
  levelDelayMs: 24 * 60 * 60_000,
  maxMoving: 500,
  leaderMovesPerMinute: 6_000,
  replicaMovesPerMinute: 10,
  servesAcks1WithoutLog: true,
  rules: cellRules,
};
