import type { MetadataReplica } from "../../metadata/log/replica.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { LogOutput } from "../log-output.ts";
import { startPeriodic } from "../periodic.ts";
import { deleteTopicObjects } from "../tiering/delete-objects.ts";
import { storedTopics } from "../tiering/stored-topics.ts";
import { keptTopics } from "./kept-topics.ts";

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
  const unknown = stored.filter((topicId) => !metadata.image.topics.has(topicId));
  if (unknown.length === 0) return true;
  const kept = await keptTopics({ objects, cell });
  let isDone = true;
  for (const topicId of unknown) {
    if (kept.has(topicId)) continue;
    const deleted = await deleteTopicObjects(objects, { cell, topicId }, objectsPerRound);
    if (deleted.kind === "unavailable" || !deleted.isDone) isDone = false;
    else log.info("objects of a deleted topic are gone", { topicId, count: deleted.count });
  }
  return isDone;
}
