import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { LogOutput } from "../log-output.ts";
import { LogReadError } from "../log/partition-log.ts";
import { noteTieredEnd, type Partition } from "../replication/partition.ts";
import { buildSegment } from "./build-segment.ts";
import { collectOrphans } from "../tiering/orphans.ts";
import type { PutManifest, StoredManifest } from "../tiering/manifest-store.ts";
import {
  appendSegment,
  moveLogStart,
  tieredEnd,
  tieredStart,
  type Manifest,
} from "../tiering/manifest.ts";
import { newObjectId, objectKey } from "../tiering/object-keys.ts";
import { unavailable } from "../tiering/store-failure.ts";
import type { NextManifest } from "../compaction/swap-segments.ts";
import { createSegmentBuffers } from "./segment-buffers.ts";
import type { Tier } from "./tier.ts";

// What a leader does in the object store, one thing at a time for each partition. Each change is a put of the manifest that only the leader of the latest
// epoch can make: it claims the manifest before its first (storage.md), and is told by the store, not by the metadata log, that its time is over.

export type Written =
  | { readonly kind: "done" }
  /** Another leader has claimed the manifest, or this broker leads no longer. */
  | { readonly kind: "fenced" }
  /** The store does not answer, or has something it should not have. Nothing has changed that a retry would not find. */
  | { readonly kind: "failed"; readonly reason: string };

export type TierWriter = {
  /** Puts the next segment, of a segment's worth at most. `done` too if there is nothing. */
  cut(partition: Partition, segmentBytes: number): Promise<Written>;
  /** Takes what lies wholly below `offset` out of the manifest, if it lists any of that: before the log start moves there. */
  leave(partition: Partition, offset: number): Promise<Written>;
  /** One round of deleting what has left, and of looking for what nobody lists. */
  collect(partition: Partition): Promise<Written>;
  /** Whether there is anything to collect. */
  hasLeft(partition: Partition): boolean;
  /** The manifest as this leader has claimed it. */
  claimed(
    partition: Partition,
  ): Promise<{ readonly kind: "claimed"; readonly manifest: Manifest } | Written>;
  /** The same without asking the store; null if it has not been claimed in this term. */
  known(partition: Partition): Manifest | null;
  /**
   * Puts what `next` makes of the manifest as this leader has it by then: compaction's way in. Cuts and moves of the log start wait as long as `next` takes, so
   * it does no more than it must.
   */
  change(
    partition: Partition,
    next: (manifest: Manifest) => Promise<NextManifest>,
  ): Promise<Written>;
  /** Names of segments that are on their way into a manifest by `change`: whoever puts one adds it before, and takes it out when `change` has ended. */
  readonly coming: Set<string>;
  /** Nothing more is to be cut for now: memory that segments were built in is let go of. */
  rest(): void;
  /** An object may have been put that nobody lists: `collect` looks at all of the partition's again. */
  sweep(partition: Partition): void;
};

export type TierWriterOptions = {
  readonly tier: Tier;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogOutput;
  readonly producerExpirationMs: number;
  /** Largest object: what segments are built in. */
  readonly bufferBytes: number;
  /** `delete.grace`. */
  readonly graceMs: number;
};

/** What a leader knows of a manifest that it has claimed. */
type Claimed = {
  readonly leaderEpoch: number;
  stored: StoredManifest;
  /** What producers were at the tiered end; null if that is in the last segment's footer only. */
  producers: Uint8Array | null;
  startAfter: string | null;
  /** All that is there has been looked at once in this term. */
  isSwept: boolean;
};

const done: Written = { kind: "done" };
const fenced: Written = { kind: "fenced" };
const failed = (reason: string): Written => ({ kind: "failed", reason });

export function createTierWriter(options: TierWriterOptions): TierWriter {
  const { tier, clock, random, log: output } = options;
  const claims = new WeakMap<Partition, Claimed>();
  const lines = new WeakMap<Partition, Promise<unknown>>();
  const buffers = createSegmentBuffers(options.bufferBytes);
  const coming = new Set<string>();

  /** One change at a time; each finds what the one before has made of the manifest. */
  function inLine<Answer extends { readonly kind: string }>(
    partition: Partition,
    work: () => Promise<Answer | Written>,
  ): Promise<Answer | Written> {
    const before = lines.get(partition) ?? Promise.resolve();
    const mine = before.then(work).catch((error: unknown) => {
      if (error instanceof LogReadError) return failed(error.message);
      throw error;
    });
    lines.set(
      partition,
      mine.catch(() => undefined),
    );
    return mine;
  }

  async function claim(partition: Partition): Promise<Claimed | Written> {
    const { leaderEpoch, log } = partition;
    if (!partition.isLeader) return fenced;
    const known = claims.get(partition);
    if (known?.leaderEpoch === leaderEpoch) return known;
    const { logStartOffset } = log;
    const path = tier.pathOf(partition);
    const outcome = await tier.manifests.claim(path, { leaderEpoch, logStartOffset });
    const written = settle(partition, outcome);
    if (outcome.kind !== "stored") return written;
    const end = tieredEnd(outcome.stored.manifest);
    if (end > log.logEndOffset) {
      output.error("the object store has more of a partition than its leader", {
        topicId: partition.topicId,
        partition: partition.index,
        tieredEnd: end,
        logEndOffset: log.logEndOffset,
      });
      return failed("the tier ends above the log");
    }
    const { stored } = outcome;
    const claimed = { leaderEpoch, stored, producers: null, startAfter: null, isSwept: false };
    claims.set(partition, claimed);
    return claimed;
  }

  /** What a put of the manifest has come to. */
  function settle(partition: Partition, outcome: PutManifest): Written {
    if (outcome.kind === "stored") {
      const claimed = claims.get(partition);
      if (claimed !== undefined) claimed.stored = outcome.stored;
      tier.note(partition, outcome.stored);
      noteTieredEnd(partition, tieredEnd(outcome.stored.manifest));
      return done;
    }
    // What is known is not what is there: the next change claims it anew.
    claims.delete(partition);
    if (outcome.kind === "fenced") return fenced;
    return failed(outcome.kind === "conflict" ? "another put came first" : outcome.message);
  }

  async function putNext(
    partition: Partition,
    claimed: Claimed,
    next: NextManifest,
  ): Promise<Written> {
    if (next.kind === "failed") return next;
    if (next.kind === "fenced") return fenced;
    if (next.kind === "busy") return failed("too many objects wait for their deletion");
    if (next.kind === "rejected") return failed(next.message);
    const { manifests } = tier;
    return settle(
      partition,
      await manifests.put(tier.pathOf(partition), next.manifest, claimed.stored),
    );
  }

  const isFailure = (claimed: Claimed | Written): claimed is Written => "kind" in claimed;

  async function cut(partition: Partition, segmentBytes: number): Promise<Written> {
    const claimed = await claim(partition);
    if (isFailure(claimed)) return claimed;
    const { log } = partition;
    const { manifest } = claimed.stored;
    const fromOffset = Math.max(tieredEnd(manifest), log.logStartOffset);
    const buffer = await buffers.take();
    try {
      const built = await buildSegment({
        log,
        leaderEpoch: claimed.leaderEpoch,
        fromOffset,
        producers: await producersOf(partition, claimed),
        upToOffset: log.highWatermark,
        segmentBytes,
        id: newObjectId(random),
        buffer,
        clock,
        producerExpirationMs: options.producerExpirationMs,
      });
      if (built === null) return done;
      const key = objectKey(tier.pathOf(partition), built.entry.name);
      const failure = await put(claimed, key, built.bytes);
      if (failure !== null) return failure;
      const next = appendSegment(manifest, built.entry, log.gaps);
      const written = await putNext(partition, claimed, next);
      if (written.kind === "done") claimed.producers = built.producers;
      return written;
    } finally {
      buffers.give(buffer);
    }
  }

  async function put(claimed: Claimed, key: string, bytes: Uint8Array): Promise<Written | null> {
    try {
      await tier.objects.put(key, bytes, { ifAbsent: true });
      return null;
    } catch (error) {
      // It may be there all the same, and in no manifest.
      claimed.isSwept = false;
      return failed(unavailable(error).message);
    }
  }

  async function producersOf(partition: Partition, claimed: Claimed): Promise<Uint8Array> {
    if (claimed.producers !== null) return claimed.producers;
    const { manifest } = claimed.stored;
    const view = { path: tier.pathOf(partition), manifest };
    const lastEnd = manifest.segments.at(-1)?.endOffset ?? manifest.pages.at(-1)?.endOffset;
    if (lastEnd === undefined) return new Uint8Array(0);
    const end = await tier.reader.epochsAndProducersAt(view, lastEnd);
    if (end.kind === "end") return end.producers;
    throw new LogReadError(`the last segment's footer: ${end.kind}`);
  }

  async function leave(partition: Partition, offset: number): Promise<Written> {
    const known = claims.get(partition)?.stored.manifest ?? (await tier.manifest(partition));
    const start = known === null ? -1 : tieredStart(known);
    // DeleteRecords comes every half a minute for some: not a put each.
    if (known === null || start < 0 || firstEnd(known) > offset) return done;
    const claimed = await claim(partition);
    if (isFailure(claimed)) return claimed;
    const { manifest } = claimed.stored;
    if (offset <= manifest.logStartOffset) return done;
    return putNext(partition, claimed, moveLogStart(manifest, offset, clock.nowMs()));
  }

  async function collect(partition: Partition): Promise<Written> {
    const claimed = await claim(partition);
    if (isFailure(claimed)) return claimed;
    const { manifests, pages, objects } = tier;
    const collected = await collectOrphans(
      { objects, manifests, pages, graceMs: options.graceMs },
      {
        path: tier.pathOf(partition),
        stored: claimed.stored,
        nowMs: clock.nowMs(),
        startAfter: claimed.startAfter,
        // Cuts put their segments in line with this; compaction does not.
        coming,
      },
    );
    if (collected.kind === "gone") return failed("a page is gone");
    if (collected.kind !== "collected") return settle(partition, collected);
    claimed.startAfter = collected.startAfter;
    claimed.isSwept ||= collected.startAfter === null;
    return settle(partition, { kind: "stored", stored: collected.stored });
  }

  return {
    cut: (partition, segmentBytes) => inLine(partition, () => cut(partition, segmentBytes)),
    leave: (partition, offset) => inLine(partition, () => leave(partition, offset)),
    collect: (partition) => inLine(partition, () => collect(partition)),
    hasLeft(partition) {
      const claimed = claims.get(partition);
      if (claimed === undefined || claimed.leaderEpoch !== partition.leaderEpoch) return false;
      const [oldest] = claimed.stored.manifest.leaving;
      const isDue = oldest !== undefined && clock.nowMs() - oldest.sinceMs >= options.graceMs;
      return isDue || !claimed.isSwept;
    },
    claimed: (partition) =>
      inLine(partition, async () => {
        const claimed = await claim(partition);
        if (isFailure(claimed)) return claimed;
        return { kind: "claimed", manifest: claimed.stored.manifest };
      }),
    known(partition) {
      const claimed = claims.get(partition);
      return claimed?.leaderEpoch === partition.leaderEpoch ? claimed.stored.manifest : null;
    },
    change: (partition, next) =>
      inLine(partition, async () => {
        const claimed = await claim(partition);
        if (isFailure(claimed)) return claimed;
        return putNext(partition, claimed, await next(claimed.stored.manifest));
      }),
    coming,
    rest: () => buffers.letGo(),
    sweep(partition) {
      const claimed = claims.get(partition);
      if (claimed !== undefined) claimed.isSwept = false;
    },
  };
}

/** Where the oldest that is listed ends. */
const firstEnd = ({ pages, segments }: StoredManifest["manifest"]): number =>
  pages[0]?.endOffset ?? segments[0]?.endOffset ?? Infinity;
