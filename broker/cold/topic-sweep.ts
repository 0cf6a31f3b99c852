import type { MetadataReplica } from "../../metadata/log/replica.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { LogOutput } from "../log-output.ts";
import { startPeriodic } from "../periodic.ts";
import { deleteTopicObjects } from "../tiering/delete-objects.ts";
import { storedTopics } from "../tiering/stored-topics.ts";
import { keptTopics } from "./kept-topics.ts";
import type { Keeping } from "./kept-topics.ts";

// Objects of topics that are gone. The metadata log says which topics there are, the store which it has something of: what only the store knows was deleted,
// also while the cell slept and no broker was there to see it. The controller's broker looks at a topic a while after its deletion, and at all once a day.

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
  /** Topics deleted since -> when their objects are due. */
  const deleted = new Map<string, number>();
  const forget = metadata.onChange((changes) => {
    for (const change of changes)
      if (change.kind === "topicDeleted")
        deleted.set(change.topic.topicId, clock.monotonicMs() + afterDeletionMs);
  });

  async function round(isStopped: () => boolean): Promise<void> {
    const nowMs = clock.monotonicMs();
    if (!isController()) {
      // Whoever becomes it looks at all, and need not know what was deleted before.
      deleted.clear();
      dueMs = Math.min(dueMs, nowMs);
      return;
    }
    if (nowMs >= dueMs) {
      const stored = await storedTopics(options.objects, options.cell, isStopped);
      if (await sweep(options, stored, isStopped)) dueMs = clock.monotonicMs() + dayMs;
      return;
    }
    // Of thousands of topics each would cost a request for every deletion.
    const due = Array.from(deleted).flatMap(([topicId, atMs]) => (atMs <= nowMs ? [topicId] : []));
    if (due.length > 0 && (await sweep(options, due, isStopped)))
      for (const topicId of due) deleted.delete(topicId);
  }

  const stop = startPeriodic({
    clock,
    intervalMs: checkMs,
    round,
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

/** Deletes what the store has of these, unless they are topics or kept. True once nothing is left. */
async function sweep(
  { cell, metadata, objects, log }: TopicSweepOptions,
  stored: readonly string[],
  isStopped: () => boolean,
): Promise<boolean> {
  if (isStopped()) return false;
  let kept: Keeping;
  try {
    // After the look at the store: whatever is there of a topic was put after the topic's own entry.
    await metadata.readToHead();
    if (stored.every((topicId) => metadata.image.topics.has(topicId))) return true;
    kept = await keptTopics({ objects, cell, metadata });
  } catch (error) {
    if (error instanceof MetadataLogError) return false;
    throw error;
  }
  if (kept.isOvertaken)
    log.warn("another cell has been restored over this one's objects; nothing is swept", { cell });
  const unknown = stored.filter((topicId) => !metadata.image.topics.has(topicId));
  let isDone = true;
  for (const topicId of unknown) {
    if (isStopped()) return false;
    if (kept.isKept(topicId)) continue;
    const deleted = await deleteTopicObjects(objects, { cell, topicId }, objectsPerRound);
    if (deleted.kind === "unavailable" || !deleted.isDone) isDone = false;
    else log.info("objects of a deleted topic are gone", { topicId, count: deleted.count });
  }
  return isDone;
}
