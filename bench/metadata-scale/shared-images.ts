import { applyEntry } from "../../metadata/image/apply.ts";
import type { MetadataChange } from "../../metadata/image/changes.ts";
import { createImage } from "../../metadata/image/image.ts";
import type { Image, Topic } from "../../metadata/image/image.ts";
import { decodeEntry, hashEntry } from "../../metadata/records/entry.ts";
import type { MetadataRecord } from "../../metadata/records/table.ts";
import { threadCpuMs } from "./work-meter.ts";

/** An image as one revision left it, and what that took. */
export type SharedRevision = {
  readonly image: Image;
  readonly changes: readonly MetadataChange[];
  readonly decodeMs: number;
  readonly applyMs: number;
};

/**
 * The images of a whole cell in one process: an entry is decoded and applied once, by whoever reads it first, to a successor of the image before it. A
 * broker looks at the image of the revision that it has replayed, exactly; those of different revisions share every partition that did not change.
 */
export type SharedImages = {
  readonly headRevision: number;
  /** What each entry took the first who read it, by revision. */
  readonly costs: ReadonlyMap<number, { readonly decodeMs: number; readonly applyMs: number }>;
  readonly head: SharedRevision;
  /** Whoever follows the log, from its head as it is now. */
  follow(): Follower;
};

export type Follower = {
  readonly at: SharedRevision;
  /** What the entry makes of the image this follower is at, which stays where it is. */
  peek(entry: Uint8Array): SharedRevision;
  /** Goes on to what the entry makes of it. */
  take(entry: Uint8Array): SharedRevision;
};

/** Linked forwards only: an image that nobody is at any more is the collector's. */
type Kept = SharedRevision & { next: Kept | null };

export function createSharedImages(): SharedImages {
  const nothing = { image: createImage(), changes: [], decodeMs: 0, applyMs: 0 };
  let head: Kept = { ...nothing, next: null };
  const costs = new Map<number, { decodeMs: number; applyMs: number }>();

  /** Decoded and applied by the first who asks. */
  function nextOf(kept: Kept, entry: Uint8Array): Kept {
    if (kept.next !== null) return kept.next;
    kept.next = { ...revisionAfter(kept.image, entry), next: null };
    head = kept.next;
    const { decodeMs, applyMs, image } = head;
    costs.set(image.revision, { decodeMs, applyMs });
    return head;
  }

  return {
    costs,
    get headRevision() {
      return head.image.revision;
    },
    get head() {
      return head;
    },
    follow() {
      let at = head;
      return {
        get at() {
          return at;
        },
        peek: (entry) => nextOf(at, entry),
        take(entry) {
          at = nextOf(at, entry);
          return at;
        },
      };
    },
  };
}

function revisionAfter(before: Image, entry: Uint8Array): SharedRevision {
  const startedMs = threadCpuMs();
  const { previousHash, records } = decodeEntry(entry);
  const hash = hashEntry(entry);
  const decodeMs = threadCpuMs() - startedMs;
  const revision = before.revision + 1;
  if (previousHash !== before.entryHash) throw new Error(`entry ${revision} does not follow`);
  const image = successorOf(before, records);
  const copiedMs = threadCpuMs();
  const changes = applyEntry(image, { revision, hash, records });
  return { image, changes, decodeMs, applyMs: threadCpuMs() - copiedMs };
}

/** Everything that applying the records changes in place, as objects of its own. */
function successorOf(image: Image, records: readonly MetadataRecord[]): Image {
  const copies = new Map<Topic, Topic>();
  for (const record of records) {
    const topicId = "topicId" in record ? record.topicId : null;
    const topic = topicId === null ? undefined : image.topics.get(topicId);
    if (topic === undefined || copies.has(topic)) continue;
    copies.set(topic, { ...topic, partitions: [...topic.partitions] });
  }
  const copied = <Key>(topics: ReadonlyMap<Key, Topic>): Map<Key, Topic> =>
    new Map([...topics].map(([key, topic]) => [key, copies.get(topic) ?? topic]));
  return {
    ...image,
    clusters: new Map(image.clusters),
    clustersByName: new Map(image.clustersByName),
    clustersByPortOffset: new Map(image.clustersByPortOffset),
    epochFloors: new Map(image.epochFloors),
    topics: copied(image.topics),
    topicNames: new Map(
      [...image.topicNames].map(([clusterId, { byName, byCollisionKey }]) => [
        clusterId,
        { byName: copied(byName), byCollisionKey: copied(byCollisionKey) },
      ]),
    ),
    purgingTopics: new Map(image.purgingTopics),
    brokers: new Map(image.brokers),
    brokerLoads: new Map([...image.brokerLoads].map(([id, load]) => [id, { ...load }])),
    idempotencyKeys: new Map(image.idempotencyKeys),
  };
}
