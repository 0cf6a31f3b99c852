import type { ObjectStore } from "../../ports/object-store.ts";
import { forEachAtOnce } from "../log/at-once.ts";
import { decodeManifest } from "./manifest-codec.ts";
import { manifestKey, topicPrefix } from "./object-keys.ts";
import { packedRanges } from "./packed-ranges.ts";
import { storedNames } from "./stored-names.ts";
import { storedTopics } from "./stored-topics.ts";

type CellStore = { readonly objects: ObjectStore; readonly cell: string };

export type StoredEpochs = {
  /** The highest leader epoch that the store has of a partition, as far as it can be read; -1 if it has nothing of it. */
  readonly epochOf: (topicId: string, index: number) => number;
  /** One more than the last partition of a topic that the store has something of. */
  readonly partitionCountOf: (topicId: string) => number;
};

/** A cell may have tens of thousands of partitions, and each is asked about. */
const requestsAtOnce = 16;

/**
 * In whose terms the store was written: a request for each topic, each partition and each pack. A cell that is begun anew from the store leads above them, or it
 * could not claim its manifests. Of what is damaged no more is known than that it is there: so the partition waits for whoever mends it, instead of beginning beside
 * it. Throws ObjectStoreError.
 */
export async function storedEpochs(at: CellStore): Promise<StoredEpochs> {
  const known = new Map<string, number>();
  const counts = new Map<string, number>();
  const note = (topicId: string, index: number, epoch: number): void => {
    const name = `${topicId}/${index}`;
    known.set(name, Math.max(epoch, known.get(name) ?? -1));
    counts.set(topicId, Math.max(index + 1, counts.get(topicId) ?? 0));
  };
  async function noteManifest(path: { topicId: string; index: number }): Promise<void> {
    const found = await at.objects.get(manifestKey({ cell: at.cell, ...path }));
    const decoded = found === null ? null : decodeManifest(found.bytes);
    note(path.topicId, path.index, decoded === null ? -1 : epochIn(decoded));
  }
  const topics = await storedTopics(at.objects, at.cell);
  const partitions: { topicId: string; index: number }[] = [];
  await forEachAtOnce(topics, requestsAtOnce, async (topicId) => {
    for (const index of await storedPartitions(at, topicId)) partitions.push({ topicId, index });
  });
  await forEachAtOnce(partitions, requestsAtOnce, noteManifest);
  for await (const range of packedRanges(at.objects, at.cell))
    note(range.topicId, range.index, range.lastLeaderEpoch);
  return {
    epochOf: (topicId, index) => known.get(`${topicId}/${index}`) ?? -1,
    partitionCountOf: (topicId) => counts.get(topicId) ?? 0,
  };
}

/** Of one that is damaged, the lowest that it can have been put in. */
const epochIn = (decoded: ReturnType<typeof decodeManifest>): number =>
  decoded.kind === "decoded" ? decoded.manifest.leaderEpoch : 0;

async function storedPartitions({ objects, cell }: CellStore, topicId: string): Promise<number[]> {
  const names = await storedNames(objects, topicPrefix(cell, topicId));
  return names.filter((name) => /^\d{1,9}$/.test(name)).map(Number);
}
