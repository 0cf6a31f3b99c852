import { forEachAtOnce } from "../log/at-once.ts";
import { startPeriodic } from "../periodic.ts";
import type { Partition } from "../replication/partition.ts";
import type { BrokerServices } from "../services.ts";
import { failuresAtMost, firstPauseMs, putOff, type PutOff } from "./put-off.ts";
import type { TierWriter, Written } from "./tier-writer.ts";

// Deletes what has left manifests, partition by partition. Apart from cuts: of a store that does not answer each takes seconds to fail, and what the disk has to
// let go of meanwhile must not wait for that.

type Services = Pick<BrokerServices, "topics" | "clock" | "log"> & {
  readonly tierWriter: Pick<TierWriter, "collect" | "hasLeft">;
};

type Desk = Services & {
  /** The store does not answer: nothing is tried before. */
  readonly store: PutOff & { failureCount: number };
  /** Its own last one failed. */
  readonly failed: WeakMap<Partition, PutOff>;
};

const collectedAtOnce = 4;

/** The result stops it, and resolves when nothing of it is under way. */
export function startCollecting(
  services: Services,
  { checkMs }: { readonly checkMs: number },
): () => Promise<void> {
  const { clock, log } = services;
  const store = { notBeforeMs: 0, pauseMs: firstPauseMs, failureCount: 0 };
  const desk: Desk = { ...services, store, failed: new WeakMap() };
  return startPeriodic({
    clock,
    intervalMs: checkMs,
    async round(isStopped) {
      await forEachAtOnce(due(desk), collectedAtOnce, async (partition) => {
        if (!isStopped() && clock.monotonicMs() >= store.notBeforeMs)
          await collectOne(desk, partition);
      });
    },
    failed: (error) =>
      log.error("deleting what left the object store's lists failed; it is tried again", {
        error: String(error),
      }),
  });
}

/** Of coordinators' logs too: a sleep has made segments of them, which their log start passes. */
function due({ topics, tierWriter, clock, failed }: Desk): Partition[] {
  const nowMs = clock.monotonicMs();
  return Array.from(topics.held()).filter(
    (partition) =>
      partition.isLeader &&
      partition.log.failure === null &&
      tierWriter.hasLeft(partition) &&
      nowMs >= (failed.get(partition)?.notBeforeMs ?? 0),
  );
}

async function collectOne(desk: Desk, partition: Partition): Promise<void> {
  const { store, failed, clock } = desk;
  const collected = await collectedOf(desk, partition);
  if (collected.kind !== "failed") {
    Object.assign(store, { pauseMs: firstPauseMs, failureCount: 0 });
    failed.delete(partition);
    return;
  }
  const state = failed.get(partition) ?? { notBeforeMs: 0, pauseMs: firstPauseMs };
  failed.set(partition, state);
  putOff(state, clock);
  store.failureCount += 1;
  if (store.failureCount >= failuresAtMost) putOff(store, clock);
  const { topicId, index } = partition;
  desk.log.warn("objects that left could not be deleted from the object store; it is tried again", {
    topicId,
    partition: index,
    reason: collected.reason,
  });
}

/** Whatever is wrong with one keeps those behind it from nothing. */
async function collectedOf({ tierWriter }: Desk, partition: Partition): Promise<Written> {
  try {
    return await tierWriter.collect(partition);
  } catch (error) {
    return { kind: "failed", reason: String(error) };
  }
}
