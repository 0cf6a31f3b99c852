import type { Image } from "../../../metadata/image/image.ts";

/** A batch as a replica holds it. Two replicas hold the same batch if all of these are equal. */
export type BatchView = {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly leaderEpoch: number;
  /** The stored checksum: over everything but base offset and leader epoch. */
  readonly crc: number;
};

/**
 * What checks may see of one replica, as it is right now. Read only: looking changes nothing, schedules nothing and draws nothing. The one object of its
 * replica in the life of a process.
 */
export type ReplicaView = {
  readonly topicId: string;
  readonly index: number;
  /** Why it is offline, or null. */
  readonly failure: string | null;
  readonly isLeader: boolean;
  /** Of the term it leads or follows in; -1 before the first. */
  readonly leaderEpoch: number;
  /** Of the latest batch in its log; -1 for an empty one. */
  readonly lastEpoch: number;
  readonly logStartOffset: number;
  /** What lies below is not here: at or above the log start. */
  readonly localStartOffset: number;
  readonly highWatermark: number;
  /** End of the last completed write, or flush: what counts. */
  readonly logEndOffset: number;
  /** Its end is being moved, and nobody is told of it until that is written. */
  readonly isChanging: boolean;
  /** End of what was on stable storage when this was last known, as far as can be seen; a lower bound. */
  readonly flushedEnd: number;
  /** Where the next append goes. */
  readonly nextOffset: number;
  /** As leader: the brokers whose log ends its high watermark waits for, itself included. Empty where it does not lead. */
  readonly maximalIsr: readonly number[];
  /** As leader: the in-sync set it takes for the log's. */
  readonly isr: readonly number[];
  readonly durability: "replicated" | "fsync";
  /** Its batches from the one that holds `from` up to `to`, as far as they can be seen without waiting: null if not all of them can. */
  batches(from: number, to: number): BatchView[] | null;
};

/** What checks may see of one running broker. */
export type BrokerView = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** As far as it has replayed the metadata log. */
  readonly image: Image;
  /** Calls `listener` when it has replayed another entry. */
  /** Since it was told to stop nobody else was in service, as far as it had read, if only for an entry: then it waits for nobody. */
  readonly wasAlone: boolean;
  onApplied(listener: () => void): void;
  /** The same array until replicas come or go. */
  replicas(): readonly ReplicaView[];
  replica(topicId: string, index: number): ReplicaView | undefined;
};
