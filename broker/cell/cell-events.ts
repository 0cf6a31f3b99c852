import type { PartitionLoad } from "../../metadata/commands/balance-replicas.ts";
import type { Command } from "../../metadata/commands/command.ts";
import type { ReplicaEnd } from "../../metadata/commands/recovery.ts";
import type { MetadataChange } from "../../metadata/image/changes.ts";
import type { AskedPartition, TieredTo, Untold } from "./tier-ends.ts";

/** What a broker tells the controller: Kafka's BrokerHeartbeat with fields of our own. */
export type Heartbeat = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** Grows with every one of a broker's life: one that was held up on its way says nothing about now. */
  readonly counter: number;
  /** Revision the broker has replayed (currentMetadataOffset). */
  readonly metadataRevision: number;
  readonly wantsShutDown: boolean;
  /** How long ago the broker last read the metadata log to its head. */
  readonly logReadAgeMs: number;
};

/** What the process adds to a heartbeat before it sends it, bounded. */
export type HeartbeatReport = {
  /** Of replicas whose partitions have no leader (leaderlessReplicas). */
  readonly ends: readonly ReplicaEnd[];
  /** Of the busiest partitions it leads. */
  readonly loads: readonly PartitionLoad[];
};

export type HeartbeatError =
  | "NOT_CONTROLLER"
  | "BROKER_ID_NOT_REGISTERED"
  | "STALE_BROKER_EPOCH"
  | "INVALID_REQUEST";

export type HeartbeatAnswer = {
  readonly error: HeartbeatError | null;
  /** The term of office that answers, or the one it knows where it has none. */
  readonly controllerEpoch: number;
  readonly isCaughtUp: boolean;
  readonly isFenced: boolean;
  readonly shouldShutDown: boolean;
  /** How long ago the controller last read the metadata log to its head. */
  readonly logReadAgeMs: number;
  /** No broker of the cell has read the log within a session: all that live have said so. */
  readonly isLogUnreadable: boolean;
};

/** Of a connection that was tried. `answered`: somebody listens there. */
export type DialOutcome = "refused" | "answered" | "timedOut";

/** `granted`: it misses the controller too. `denied`: it does not. `silent`: no answer in time, or none that could be read. */
export type VoteOutcome = "granted" | "denied" | "refused" | "silent";

/** What became of a command. `unavailable`: nobody knows. */
export type SubmitOutcome =
  | { readonly kind: "accepted"; readonly result: unknown }
  | { readonly kind: "rejected"; readonly error: string }
  | { readonly kind: "unavailable" };

/** All times are of the clock's monotonic scale. `replyTo` is the process's own mark for a request that waits for an answer. */
export type CellEvent =
  /** Every `tickMs`; `logReadMs`: when the metadata log was last read to its head. */
  | { readonly type: "tick"; readonly logReadMs: number }
  /** The image has taken an entry, or was loaded anew. */
  | { readonly type: "applied"; readonly changes: readonly MetadataChange[] }
  | {
      readonly type: "heartbeatReceived";
      readonly replyTo: number;
      readonly heartbeat: Heartbeat;
      readonly report: HeartbeatReport;
    }
  /** What this broker would report to the controller, when it is the controller itself. */
  | { readonly type: "ownReport"; readonly report: HeartbeatReport }
  /** `counter`: of the heartbeat. Of one that was given up for another it says nothing. */
  | {
      readonly type: "heartbeatAnswered";
      readonly counter: number;
      readonly answer: HeartbeatAnswer;
    }
  /** The heartbeat under way will have no answer. */
  | {
      readonly type: "heartbeatFailed";
      readonly counter: number;
      readonly reason: "refused" | "lost" | "timedOut";
    }
  /** The connection over which `brokerId` sent its heartbeats here, or over which ours went to it, is gone. */
  | {
      readonly type: "connectionClosed";
      readonly brokerId: number;
      readonly side: "theirs" | "ours";
    }
  | { readonly type: "dialled"; readonly brokerId: number; readonly outcome: DialOutcome }
  /** Vote with preVote: does this broker miss the controller of that epoch? */
  | {
      readonly type: "voteAsked";
      readonly replyTo: number;
      readonly controllerEpoch: number;
    }
  | {
      readonly type: "voteAnswered";
      readonly round: number;
      readonly brokerId: number;
      readonly outcome: VoteOutcome;
      /** The newest term the other broker knows; -1 without an answer. */
      readonly controllerEpoch: number;
    }
  | { readonly type: "submitted"; readonly id: number; readonly outcome: SubmitOutcome }
  /** What the object store holds, by partitionKey; null: it did not answer. */
  | {
      readonly type: "tierRead";
      readonly officeEpoch: number;
      readonly partitions: readonly AskedPartition[];
      readonly ends: ReadonlyMap<string, TieredTo | Untold> | null;
    }
  /** The process shall end in good order (SIGTERM). */
  | { readonly type: "stopAsked" };

export type CellEffect =
  /** Send it to the controller with a report, and tell how it went. One is under way at a time. */
  | { readonly type: "heartbeat"; readonly brokerId: number; readonly heartbeat: Heartbeat }
  | {
      readonly type: "answerHeartbeat";
      readonly replyTo: number;
      readonly answer: HeartbeatAnswer;
    }
  /** Connect to the broker's advertised endpoint, see what happens, and close again. */
  | { readonly type: "dial"; readonly brokerId: number; readonly timeoutMs: number }
  | {
      readonly type: "askVote";
      readonly round: number;
      readonly brokerIds: readonly number[];
      readonly controllerEpoch: number;
      readonly timeoutMs: number;
    }
  | {
      readonly type: "answerVote";
      readonly replyTo: number;
      readonly isGranted: boolean;
      readonly controllerId: number | null;
      readonly controllerEpoch: number;
    }
  /** `isController`: after a conflict it is tried again at once, all others leave it the time to. */
  | {
      readonly type: "submit";
      readonly id: number;
      readonly name: string;
      readonly command: Command<unknown>;
      readonly isController: boolean;
    }
  /** Ask the object store how far it reaches, and tell it with the same partitions. One at a time. */
  | {
      readonly type: "readTier";
      readonly officeEpoch: number;
      readonly partitions: readonly AskedPartition[];
    }
  /** Somebody knows more of the metadata log than this broker. */
  | { readonly type: "readLog" }
  /** What of its partitions this broker may answer for. acks=all is safe by itself. */
  | { readonly type: "serve"; readonly reads: boolean; readonly acks1: boolean }
  /** For whoever runs the cell. */
  | {
      readonly type: "alarm";
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** The cell sleeps and needs no broker: the process may stop, in good order. */
  | { readonly type: "sleep" }
  /** The process shall end: its place was taken, it was forgotten, or nothing is left here to do. */
  | { readonly type: "stop"; readonly reason: "replaced" | "unregistered" | "drained" };
