import { applyEntry } from "../../../metadata/image/apply.ts";
import type { MetadataChange } from "../../../metadata/image/changes.ts";
import { decodeSnapshot } from "../../../metadata/image/snapshot.ts";
import { createImage, type Image, type Partition } from "../../../metadata/image/image.ts";
import { decodeEntry, hashEntry } from "../../../metadata/records/entry.ts";
import type { MetadataRecord } from "../../../metadata/records/table.ts";
import type { SimMetadataLog } from "../stores/sim-metadata-log.ts";

/** One partition's state before and after an entry; null where it did not exist. */
export type PartitionChange = {
  readonly topicId: string;
  readonly index: number;
  readonly before: Partition | null;
  readonly after: Partition | null;
};

/** An entry of the metadata log at the moment it was accepted, applied. */
export type AcceptedEntry = {
  readonly revision: number;
  readonly records: readonly MetadataRecord[];
  readonly changes: readonly MetadataChange[];
  readonly partitions: readonly PartitionChange[];
  readonly image: Image;
};

/** Follows the metadata log without delay: what is true, whoever has heard of it. */
export class CellTruth {
  #image: Image = createImage();
  readonly #partitions = new Map<string, Map<number, Partition>>();
  readonly #listeners: ((entry: AcceptedEntry) => void)[] = [];

  constructor(log: SimMetadataLog, snapshotOf: (revision: number) => Uint8Array | null) {
    log.onEntry((revision, entry) => {
      // The log of a restored cell begins behind a snapshot.
      if (this.#image.revision === 0 && revision > 1) this.#load(snapshotOf(revision - 1));
      this.#apply(revision, entry);
    });
  }

  get image(): Image {
    return this.#image;
  }

  onEntry(listener: (entry: AcceptedEntry) => void): void {
    this.#listeners.push(listener);
  }

  partition(topicId: string, index: number): Partition | undefined {
    return this.image.topics.get(topicId)?.partitions[index];
  }

  #load(snapshot: Uint8Array | null): void {
    if (snapshot === null) return;
    this.#image = decodeSnapshot(snapshot);
    for (const topicId of this.#image.topics.keys()) this.#from(topicId, 0);
  }

  #apply(revision: number, entry: Uint8Array): void {
    const { records } = decodeEntry(entry);
    const changes = applyEntry(this.image, { revision, hash: hashEntry(entry), records });
    const partitions = changes.flatMap((change) => this.#changed(change));
    const accepted = { revision, records, changes, partitions, image: this.image };
    for (const listener of this.#listeners) listener(accepted);
  }

  #changed(change: MetadataChange): PartitionChange[] {
    switch (change.kind) {
      case "topicCreated":
        return this.#from(change.topicId, 0);
      case "partitionsAdded":
        return this.#from(change.topicId, change.firstIndex);
      case "partitionChanged":
        return [this.#note(change.topicId, change.index)];
      case "topicDeleted": {
        const { topicId } = change.topic;
        const known = this.#partitions.get(topicId);
        this.#partitions.delete(topicId);
        return [...(known ?? [])].map(([index, before]) => ({
          topicId,
          index,
          before,
          after: null,
        }));
      }
      default:
        return [];
    }
  }

  #from(topicId: string, first: number): PartitionChange[] {
    const count = this.image.topics.get(topicId)?.partitions.length ?? 0;
    return Array.from({ length: count - first }, (_, at) => this.#note(topicId, first + at));
  }

  #note(topicId: string, index: number): PartitionChange {
    let known = this.#partitions.get(topicId);
    if (known === undefined) {
      known = new Map();
      this.#partitions.set(topicId, known);
    }
    const before = known.get(index) ?? null;
    const after = this.partition(topicId, index) ?? null;
    if (after !== null) known.set(index, after);
    return { topicId, index, before, after };
  }
}
