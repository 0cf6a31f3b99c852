import type { Broker } from "../../../broker/broker.ts";
import { slicesOf } from "../../../broker/log/hot-ring.ts";
import { StoredLog } from "../../../broker/log/stored-log.ts";
import type { WalFile } from "../../../broker/log/wal-file.ts";
import { placeOf, rowAt } from "../../../broker/log/wal-index.ts";
import { maximalIsr } from "../../../broker/replication/leader-state.ts";
import type { Partition } from "../../../broker/replication/partition.ts";
import type { LocalTopic } from "../../../broker/replication/topic-table.ts";
import type { MetadataChange } from "../../../metadata/image/changes.ts";
import type { Image } from "../../../metadata/image/image.ts";
import {
  baseOffsetAt,
  batchHeaderBytes,
  crcAt,
  lastOffsetDeltaAt,
  leaderEpochAt,
} from "../../../protocol/records/batch.ts";
import type { SimDisk } from "../disk/sim-disk.ts";
import type { BatchView, BrokerView, ReplicaView } from "./replica-view.ts";

/** The seam between a running broker and the checks. It reaches into the broker's own objects, so that looking costs nothing and disturbs nothing. */
export class BrokerInspection implements BrokerView {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly image: Image;
  readonly #broker: Broker;
  readonly #disk: SimDisk;
  readonly #inspections = new Map<Partition, ReplicaInspection>();
  #replicas: ReplicaInspection[] = [];
  readonly #byKey = new Map<string, ReplicaInspection>();
  readonly #listeners: (() => void)[] = [];
  #isCurrent = false;
  #isToldToStop = false;
  wasAlone = false;

  constructor(broker: Broker, disk: SimDisk) {
    this.#broker = broker;
    this.#disk = disk;
    this.brokerId = broker.brokerId;
    this.image = broker.services.metadata.image;
    this.brokerEpoch = this.image.brokers.get(broker.brokerId)?.epoch ?? -1;
    broker.services.metadata.onChange((changes) => {
      if (changes.some(movesReplicas)) this.#isCurrent = false;
      this.#noteIfAlone();
      for (const listener of this.#listeners) listener();
    });
  }

  toldToStop(): void {
    this.#isToldToStop = true;
    this.#noteIfAlone();
  }

  #noteIfAlone(): void {
    if (!this.#isToldToStop) return;
    const others = [...this.image.brokers.values()].filter(
      (each) => each.brokerId !== this.brokerId,
    );
    this.wasAlone ||= others.every(({ state }) => state !== "active");
  }

  onApplied(listener: () => void): void {
    this.#listeners.push(listener);
  }

  replicas(): readonly ReplicaView[] {
    if (!this.#isCurrent) this.#find();
    return this.#replicas;
  }

  replica(topicId: string, index: number): ReplicaView | undefined {
    if (!this.#isCurrent) this.#find();
    return this.#byKey.get(`${topicId}/${index}`);
  }

  /** Replicas come and go with entries of the metadata log only. */
  #find(): void {
    this.#isCurrent = true;
    const known = new Map(this.#inspections);
    this.#inspections.clear();
    this.#byKey.clear();
    for (const topic of this.#broker.services.topics.all()) {
      for (const partition of topic.partitions) {
        if (partition === undefined) continue;
        const inspection =
          known.get(partition) ??
          new ReplicaInspection(this.brokerId, { topic, partition, disk: this.#disk });
        this.#inspections.set(partition, inspection);
        this.#byKey.set(`${partition.topicId}/${partition.index}`, inspection);
      }
    }
    this.#replicas = [...this.#inspections.values()];
  }
}

function movesReplicas({ kind }: MetadataChange): boolean {
  return (
    kind === "topicCreated" ||
    kind === "partitionsAdded" ||
    kind === "partitionChanged" ||
    kind === "topicDeleted" ||
    kind === "reloaded"
  );
}

const nobody: readonly number[] = [];

class ReplicaInspection implements ReplicaView {
  readonly topicId: string;
  readonly index: number;
  readonly #partition: Partition;
  readonly #topic: LocalTopic;
  readonly #disk: SimDisk;
  /** Without followers, a leader waits for itself. */
  readonly #self: readonly number[];

  constructor(
    brokerId: number,
    { topic, partition, disk }: { topic: LocalTopic; partition: Partition; disk: SimDisk },
  ) {
    this.topicId = partition.topicId;
    this.index = partition.index;
    this.#partition = partition;
    this.#topic = topic;
    this.#disk = disk;
    this.#self = [brokerId];
  }

  get failure(): string | null {
    return this.#partition.log.failure;
  }

  get isLeader(): boolean {
    return this.#partition.isLeader;
  }

  get leaderEpoch(): number {
    return this.#partition.leaderEpoch;
  }

  get lastEpoch(): number {
    return this.#partition.log.leaderEpoch;
  }

  get logStartOffset(): number {
    return this.#partition.log.logStartOffset;
  }

  get localStartOffset(): number {
    return this.#partition.log.localStartOffset;
  }

  get highWatermark(): number {
    return this.#partition.log.highWatermark;
  }

  get logEndOffset(): number {
    return this.#partition.log.logEndOffset;
  }

  get isChanging(): boolean {
    return this.#partition.log.isChanging;
  }

  get flushedEnd(): number {
    const { log } = this.#partition;
    if (!(log instanceof StoredLog)) return 0;
    let end = 0;
    for (const piece of log.pieces) {
      for (let place = 0; place < piece.rows.length; place++) {
        const { position, size, lastOffset } = rowAt(piece, place);
        if (position + size > piece.file.flushedEnd) return end;
        end = lastOffset + 1;
      }
    }
    return end;
  }

  get nextOffset(): number {
    return this.#partition.log.nextOffset;
  }

  get maximalIsr(): readonly number[] {
    const { isLeader, leaderState } = this.#partition;
    if (!isLeader) return nobody;
    return leaderState === null ? this.#self : maximalIsr(leaderState);
  }

  get isr(): readonly number[] {
    const { isLeader, leaderState } = this.#partition;
    if (!isLeader) return nobody;
    return leaderState === null ? this.#self : leaderState.assignment.isr;
  }

  get durability(): "replicated" | "fsync" {
    return this.#topic.settings.durability;
  }

  batches(from: number, to: number): BatchView[] | null {
    const { log } = this.#partition;
    if (!(log instanceof StoredLog)) return null;
    const found: BatchView[] = [];
    let nextOffset = from;
    for (const piece of log.pieces) {
      for (let place = placeOf(piece, nextOffset); place < piece.rows.length; place++) {
        const row = rowAt(piece, place);
        if (row.baseOffset >= to) return found;
        // What is in front of this lies in files whose index has left memory.
        if (found.length === 0 && row.baseOffset > from) return null;
        const header = this.#bytes(log, piece.file, row.position);
        if (header === null) return null;
        found.push(batchAt(header));
        nextOffset = row.lastOffset + 1;
      }
    }
    return nextOffset >= to ? found : null;
  }

  #bytes(log: StoredLog, file: WalFile, position: number): Uint8Array | null {
    const { ring } = log.context.wal;
    if (file.address !== null) {
      const slices = slicesOf(ring, file.address + position, batchHeaderBytes);
      if (slices?.length === 1) return slices[0]!;
      if (slices !== null) return Buffer.concat(slices);
    }
    const stored = this.#disk.files.get(file.path);
    if (stored === undefined) return null;
    const bytes = new Uint8Array(batchHeaderBytes);
    return stored.read(bytes, position) === batchHeaderBytes ? bytes : null;
  }
}

function batchAt(header: Uint8Array): BatchView {
  const baseOffset = baseOffsetAt(header, 0);
  return {
    baseOffset,
    lastOffset: baseOffset + lastOffsetDeltaAt(header, 0),
    leaderEpoch: leaderEpochAt(header, 0),
    crc: crcAt(header, 0),
  };
}
