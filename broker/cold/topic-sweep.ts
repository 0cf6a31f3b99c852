import type { MetadataReplica } from "../../metadata/log/replica.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { LogOutput } from "../log-output.ts";
import { startPeriodic } from "../periodic.ts";
import { deleteTopicObjects } from "../tiering/delete-objects.ts";
import { topicPrefix, topicsPrefix } from "../tiering/object-keys.ts";

// Objects of topics that are gone. The metadata log says which topics there are, the store which it has something of: what only the store knows was deleted,
// also while the cell slept and no broker was there to see it. The controller's broker looks a while after each deletion, and once a day.

export type TopicSweepOptions = {
  readonly cell: string;
  readonly metadata: Pick<MetadataReplica, "image" | "readToHead" | "onChange">;
  readonly objects: ObjectStore;
  readonly isController: () => boolean;
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly checkMs: number;
};

const dayMs = 86_400_000;
/** Leaders may have yet to hear of the deletion, and put another segment. */
const afterDeletionMs = 60_000;
const objectsPerRound = 1_000;

export function startTopicSweep(options: TopicSweepOptions): () => Promise<void> {
  const { clock, log, metadata, checkMs, isController } = options;
  let dueMs = clock.monotonicMs() + afterDeletionMs;
  const forget = metadata.onChange((changes) => {
    if (changes.some(({ kind }) => kind === "topicDeleted"))
      dueMs = Math.min(dueMs, clock.monotonicMs() + afterDeletionMs);
  });
  const stop = startPeriodic({
    clock,
    intervalMs: checkMs,
    async round() {
      if (!isController() || clock.monotonicMs() < dueMs) return;
      if (await sweep(options)) dueMs = clock.monotonicMs() + dayMs;
    },
    failed: (error) =>
      log.warn("objects of deleted topics could not be swept; it is tried again", {
        error: String(error),
      }),
  });
  return () => {
    forget();
    return stop();
  };
}

/** True once all has been looked at and nothing was left. */
async function sweep({ cell, metadata, objects, log }: TopicSweepOptions): Promise<boolean> {
  const stored = await storedTopics(objects, cell);
  try {
    // After the look at the store: whatever is there of a topic was put after the topic's own entry.
    await metadata.readToHead();
  } catch (error) {
    if (error instanceof MetadataLogError) return false;
    throw error;
  }
  let isDone = true;
  for (const topicId of stored) {
    if (metadata.image.topics.has(topicId)) continue;
    const deleted = await deleteTopicObjects(objects, { cell, topicId }, objectsPerRound);
    if (deleted.kind === "unavailable" || !deleted.isDone) isDone = false;
    else log.info("objects of a deleted topic are gone", { topicId, count: deleted.count });
  }
  return isDone;
}

/** One request for each: from the first object of a topic to the first behind its last. */
async function storedTopics(objects: ObjectStore, cell: string): Promise<string[]> {
  const prefix = topicsPrefix(cell);
  const found: string[] = [];
  for (let startAfter: string | undefined; ;) {
    const [first] = await objects.list(prefix, {
      limit: 1,
      ...(startAfter === undefined ? {} : { startAfter }),
    });
    if (first === undefined) return found;
    const topicId = first.key.slice(prefix.length).split("/")[0]!;
    found.push(topicId);
    // "0" is what follows "/": behind every key of the topic.
    startAfter = `${topicPrefix(cell, topicId).slice(0, -1)}0`;
  }
}
