import type { Partition } from "../../../metadata/image/image.ts";
import type { AcceptedEntry, CellTruth } from "../cell/cell-truth.ts";
import type { BrokerView, ReplicaView } from "../cell/replica-view.ts";
import type { ObjectChange } from "../stores/sim-object-store.ts";
import type { CommittedLog } from "./committed-log.ts";
import type { ManifestChange, TierObjects } from "./tier-objects.ts";

/** A replica's numbers, as they were when it was last looked at. */
export type ReplicaNumbers = {
  isLeader: boolean;
  leaderEpoch: number;
  lastEpoch: number;
  logStartOffset: number;
  localStartOffset: number;
  highWatermark: number;
  logEndOffset: number;
  nextOffset: number;
};

/** A broker that serves, as checks have it. */
export type WatchedBroker = {
  readonly name: string;
  readonly view: BrokerView;
  /** Starts of its host's kernel when it began to serve: another one, and what was not flushed may be gone. */
  readonly bootNumber: number;
  /** What its disk has lost since it began to serve: the process may have ended since. */
  readonly lost: () => "nothing" | "unflushed" | "everything";
};

/** A partition goes on although nobody in sync or eligible could be elected. */
export type RecoveryChange = {
  readonly topicId: string;
  readonly index: number;
  readonly before: Partition;
  readonly after: Partition;
};

export type ReplicaChange = {
  readonly broker: WatchedBroker;
  readonly replica: ReplicaView;
  /** Null: it is looked at for the first time in this life. */
  readonly before: ReplicaNumbers | null;
};

/** What one invariant looks at, and when. Whatever it says ends the run. */
export type Checks = {
  /** The metadata log has accepted an entry. */
  readonly entry?: (entry: AcceptedEntry) => string | null;
  /** An accepted entry recovers a partition: asked before it counts as committed no more what the recovery gives up. */
  readonly recovery?: (change: RecoveryChange) => string | null;
  /** The process was told to stop, and has done all it had to do before its time was over. */
  readonly stoppedInTime?: (broker: WatchedBroker) => string | null;
  /** Something about a replica is not as it was before this event. */
  readonly replica?: (change: ReplicaChange) => string | null;
  /** An object of a partition's is put, replaced or deleted; a manifest is told as `manifest` as well. */
  readonly object?: (change: ObjectChange) => string | null;
  readonly manifest?: (change: ManifestChange) => string | null;
  /** The process is gone; its replicas were last seen with these numbers. */
  readonly ended?: (
    broker: WatchedBroker,
    replicas: ReadonlyMap<ReplicaView, ReplicaNumbers>,
  ) => void;
};

/** What invariants share. */
export type Observed = {
  readonly truth: Pick<CellTruth, "image" | "partition">;
  /** Running brokers by id. */
  readonly brokers: ReadonlyMap<number, WatchedBroker>;
  /** By id as well, whether they run or not: in the last life that served. */
  readonly known: ReadonlyMap<number, WatchedBroker>;
  readonly committed: (topicId: string, index: number) => CommittedLog;
  readonly tier: TierObjects;
  /** Up to where the object store has every committed record, in segments or packs. */
  readonly coldEnd: (place: { readonly topicId: string; readonly index: number }) => number;
};

export type Invariant = {
  readonly name: string;
  readonly about: string;
  readonly watch: (observed: Observed) => Checks;
};

export function placeOf({ topicId, index }: { topicId: string; index: number }): string {
  return `partition ${index} of ${topicId}`;
}
