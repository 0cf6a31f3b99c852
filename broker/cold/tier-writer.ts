import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { LogOutput } from "../log-output.ts";
import { LogReadError } from "../log/partition-log.ts";
import {
  moveLogStart as advertiseLogStart,
  noteTieredEnd,
  type Partition,
} from "../replication/partition.ts";
import { buildSegment } from "./build-segment.ts";
import { hasPageLeft, type Claimed } from "./claimed-manifest.ts";
import { collectOrphans } from "../tiering/orphans.ts";
import type { PutManifest, StoredManifest } from "../tiering/manifest-store.ts";
import {
  appendSegment,
  moveLogStart,
  tieredEnd,
  tieredFirstEnd,
  tieredStart,
  type Manifest,
} from "../tiering/manifest.ts";
import { newObjectId, objectKey } from "../tiering/object-keys.ts";
import { unavailable } from "../tiering/store-failure.ts";
import type { NextManifest } from "../compaction/swap-segments.ts";
import { createSegmentBuffers, type SegmentBuffers } from "./segment-buffers.ts";
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
  /**
   * Takes what lies wholly below `offset` out of the manifest, if it lists any of that: before the log start moves there. `mayGo`: asked before anything is
   * taken out; `failed` if it may not yet.
   */
  leave(partition: Partition, offset: number, mayGo?: () => boolean): Promise<Written>;
  /** Says in the manifest where the log begins, though nothing leaves it by that: before nothing but the manifest will know. */
  tellLogStart(partition: Partition): Promise<Written>;
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

const done: Written = { kind: "done" };
const fenced: Written = { kind: "fenced" };
const failed = (reason: string): Written => ({ kind: "failed", reason });

export function createTierWriter(options: TierWriterOptions): TierWriter {
  return new ManifestWriter(options);
}

const isFailure = (claimed: Claimed | Written): claimed is Written => "kind" in claimed;

class ManifestWriter implements TierWriter {
  readonly coming = new Set<string>();
  readonly #options: TierWriterOptions;
  readonly #claims = new WeakMap<Partition, Claimed>();
  readonly #lines = new WeakMap<Partition, Promise<unknown>>();
  /** In which term the store was found to have no manifest of it, and none has been put since. */
  readonly #without = new WeakMap<Partition, number>();
  /** A put of the manifest was not answered: it may be stored yet, in the place of what is there now. */
  readonly #unanswered = new WeakSet<Partition>();
  readonly #buffers: SegmentBuffers;

  constructor(options: TierWriterOptions) {
    this.#options = options;
    this.#buffers = createSegmentBuffers(options.bufferBytes);
  }

  cut(partition: Partition, segmentBytes: number): Promise<Written> {
    return this.#inLine(partition, () => this.#cut(partition, segmentBytes));
  }

  leave(partition: Partition, offset: number, mayGo = () => true): Promise<Written> {
    return this.#inLine(partition, () => this.#leave(partition, offset, mayGo));
  }

  tellLogStart(partition: Partition): Promise<Written> {
    return this.#inLine(partition, async () => {
      const { logStartOffset } = partition.log;
      // Of thousands that were never written to the store is not asked.
      if (logStartOffset === 0) return done;
      const known = this.known(partition) ?? (await this.#presentManifest(partition));
      if (known === null || known.logStartOffset >= logStartOffset) return done;
      return this.#putLogStart(partition, logStartOffset);
    });
  }

  collect(partition: Partition): Promise<Written> {
    return this.#inLine(partition, () => this.#collect(partition));
  }

  hasLeft(partition: Partition): boolean {
    const claimed = this.#claims.get(partition);
    if (claimed === undefined || claimed.leaderEpoch !== partition.leaderEpoch) return false;
    const { clock, graceMs } = this.#options;
    const [oldest] = claimed.stored.manifest.leaving;
    const isDue = oldest !== undefined && clock.nowMs() - oldest.sinceMs >= graceMs;
    return isDue || !claimed.isSwept;
  }

  claimed(partition: Partition): ReturnType<TierWriter["claimed"]> {
    return this.#inLine(partition, async () => {
      const claimed = await this.#claim(partition);
      if (isFailure(claimed)) return claimed;
      return { kind: "claimed" as const, manifest: claimed.stored.manifest };
    });
  }

  known(partition: Partition): Manifest | null {
    const claimed = this.#claims.get(partition);
    return claimed?.leaderEpoch === partition.leaderEpoch ? claimed.stored.manifest : null;
  }

  change(
    partition: Partition,
    next: (manifest: Manifest) => Promise<NextManifest>,
  ): Promise<Written> {
    return this.#inLine(partition, async () => {
      const claimed = await this.#claim(partition);
      if (isFailure(claimed)) return claimed;
      return this.#putNext(partition, claimed, await next(claimed.stored.manifest));
    });
  }

  rest(): void {
    this.#buffers.letGo();
  }

  sweep(partition: Partition): void {
    const claimed = this.#claims.get(partition);
    if (claimed !== undefined) claimed.isSwept = false;
  }

  /** One change at a time; each finds what the one before has made of the manifest. */
  #inLine<Answer extends { readonly kind: string }>(
    partition: Partition,
    work: () => Promise<Answer | Written>,
  ): Promise<Answer | Written> {
    const before = this.#lines.get(partition) ?? Promise.resolve();
    const mine = before.then(work).catch((error: unknown) => {
      if (error instanceof LogReadError) return failed(error.message);
      throw error;
    });
    this.#lines.set(
      partition,
      mine.catch(() => undefined),
    );
    return mine;
  }

  async #claim(partition: Partition): Promise<Claimed | Written> {
    const { leaderEpoch, log } = partition;
    if (!partition.isLeader) return fenced;
    const known = this.#claims.get(partition);
    if (known?.leaderEpoch === leaderEpoch) return known;
    const { logStartOffset } = log;
    const path = this.#options.tier.pathOf(partition);
    // Claimed before it is looked at: whatever it lists, a leader before this one must add nothing to it.
    const outcome = await this.#options.tier.manifests.claim(path, { leaderEpoch, logStartOffset });
    const written = this.#settle(partition, outcome);
    if (outcome.kind !== "stored") return written;
    const end = tieredEnd(outcome.stored.manifest);
    if (end > log.logEndOffset) {
      this.#options.log.error("the object store has more of a partition than its leader", {
        topicId: partition.topicId,
        partition: partition.index,
        tieredEnd: end,
        logEndOffset: log.logEndOffset,
      });
      return failed("the tier ends above the log");
    }
    const { stored } = outcome;
    if (!(await adoptLogStart(partition, stored))) return failed("the log start cannot move now");
    const claimed = { leaderEpoch, stored, producers: null, startAfter: null, isSwept: false };
    this.#claims.set(partition, claimed);
    // A predecessor may have moved the log start without a word to a manifest that it had not claimed.
    if (stored.manifest.logStartOffset >= logStartOffset) return claimed;
    const next = moveLogStart(stored.manifest, logStartOffset, this.#options.clock.nowMs());
    const moved = await this.#putNext(partition, claimed, next);
    return moved.kind === "done" ? claimed : moved;
  }

  /** What a put of the manifest has come to. */
  #settle(partition: Partition, outcome: PutManifest): Written {
    this.#without.delete(partition);
    if (outcome.kind === "unavailable") this.#unanswered.add(partition);
    else this.#unanswered.delete(partition);
    if (outcome.kind === "stored") {
      const claimed = this.#claims.get(partition);
      if (claimed !== undefined) {
        if (hasPageLeft(claimed.stored.manifest, outcome.stored.manifest))
          Object.assign(claimed, { isSwept: false, startAfter: null });
        claimed.stored = outcome.stored;
      }
      this.#options.tier.note(partition, outcome.stored);
      const end = tieredEnd(outcome.stored.manifest);
      // Of one that ends above the log nobody is to be told: a new replica would begin there, ahead of its leader.
      if (end <= partition.log.logEndOffset) noteTieredEnd(partition, end);
      return done;
    }
    // What is known is not what is there: the next change claims it anew.
    this.#claims.delete(partition);
    if (outcome.kind === "fenced") return fenced;
    return failed(outcome.kind === "conflict" ? "another put came first" : outcome.message);
  }

  async #putNext(partition: Partition, claimed: Claimed, next: NextManifest): Promise<Written> {
    if (next.kind === "failed") return next;
    if (next.kind === "fenced") return fenced;
    if (next.kind === "busy") return failed("too many objects wait for their deletion");
    if (next.kind === "rejected") return failed(next.message);
    const { manifests } = this.#options.tier;
    return this.#settle(
      partition,
      await manifests.put(this.#options.tier.pathOf(partition), next.manifest, claimed.stored),
    );
  }

  async #cut(partition: Partition, segmentBytes: number): Promise<Written> {
    const claimed = await this.#claim(partition);
    if (isFailure(claimed)) return claimed;
    const { log } = partition;
    const { logStartOffset } = log;
    // A manifest that lists nothing is not put for each move of the log start: the next segment would not continue it.
    if (logStartOffset > tieredEnd(claimed.stored.manifest)) {
      const next = moveLogStart(
        claimed.stored.manifest,
        logStartOffset,
        this.#options.clock.nowMs(),
      );
      const moved = await this.#putNext(partition, claimed, next);
      if (moved.kind !== "done") return moved;
    }
    const { manifest } = claimed.stored;
    const fromOffset = Math.max(tieredEnd(manifest), log.logStartOffset);
    const buffer = await this.#buffers.take();
    try {
      const built = await buildSegment({
        log,
        leaderEpoch: claimed.leaderEpoch,
        fromOffset,
        producers: await this.#producersOf(partition, claimed),
        upToOffset: log.highWatermark,
        segmentBytes,
        id: newObjectId(this.#options.random),
        buffer,
        clock: this.#options.clock,
        producerExpirationMs: this.#options.producerExpirationMs,
      });
      if (built === null) return done;
      const key = objectKey(this.#options.tier.pathOf(partition), built.entry.name);
      const failure = await this.#put(claimed, key, built.bytes);
      if (failure !== null) return failure;
      const next = appendSegment(manifest, built.entry, log.gaps);
      const written = await this.#putNext(partition, claimed, next);
      if (written.kind === "done") claimed.producers = built.producers;
      return written;
    } finally {
      this.#buffers.give(buffer);
    }
  }

  async #put(claimed: Claimed, key: string, bytes: Uint8Array): Promise<Written | null> {
    try {
      await this.#options.tier.objects.put(key, bytes, { ifAbsent: true });
      return null;
    } catch (error) {
      // It may be there all the same, and in no manifest.
      claimed.isSwept = false;
      return failed(unavailable(error).message);
    }
  }

  async #producersOf(partition: Partition, claimed: Claimed): Promise<Uint8Array> {
    const { manifest } = claimed.stored;
    const lastEnd = manifest.segments.at(-1)?.endOffset ?? manifest.pages.at(-1)?.endOffset ?? 0;
    // Where the log start has passed what is there, a producer's last batches are in neither: better nothing of it than an older sequence.
    if (lastEnd === 0 || lastEnd < manifest.logStartOffset) return new Uint8Array(0);
    if (claimed.producers !== null) return claimed.producers;
    const view = { path: this.#options.tier.pathOf(partition), manifest };
    const end = await this.#options.tier.reader.epochsAndProducersAt(view, lastEnd);
    if (end.kind === "end") return end.producers;
    throw new LogReadError(`the last segment's footer: ${end.kind}`);
  }

  /** As it is in the store now: a former leader may have put one since it was read last. Once there is none, only this leader makes one in its term, and knows that it did. */
  async #presentManifest(partition: Partition): Promise<Manifest | null> {
    const { leaderEpoch } = partition;
    if (this.#without.get(partition) === leaderEpoch) return null;
    const manifest = await this.#options.tier.manifest(partition, { isFresh: true });
    if (manifest === null) this.#without.set(partition, leaderEpoch);
    return manifest;
  }

  async #leave(partition: Partition, offset: number, mayGo: () => boolean): Promise<Written> {
    if (this.#unanswered.has(partition)) {
      // A claim takes its place: else it could list later what is about to be let go of.
      const claimed = await this.#claim(partition);
      if (isFailure(claimed)) return claimed;
    }
    const known = this.known(partition) ?? (await this.#presentManifest(partition));
    const start = known === null ? -1 : tieredStart(known);
    // DeleteRecords comes every half a minute for some: not a put each.
    if (known === null || start < 0 || tieredFirstEnd(known) > offset) return done;
    if (!mayGo()) return failed("what takes its place is in no pack yet");
    return this.#putLogStart(partition, offset);
  }

  async #putLogStart(partition: Partition, offset: number): Promise<Written> {
    const claimed = await this.#claim(partition);
    if (isFailure(claimed)) return claimed;
    const { manifest } = claimed.stored;
    if (offset <= manifest.logStartOffset) return done;
    return this.#putNext(
      partition,
      claimed,
      moveLogStart(manifest, offset, this.#options.clock.nowMs()),
    );
  }

  async #collect(partition: Partition): Promise<Written> {
    const claimed = await this.#claim(partition);
    if (isFailure(claimed)) return claimed;
    const { manifests, pages, objects } = this.#options.tier;
    const collected = await collectOrphans(
      { objects, manifests, pages, graceMs: this.#options.graceMs },
      {
        path: this.#options.tier.pathOf(partition),
        stored: claimed.stored,
        nowMs: this.#options.clock.nowMs(),
        startAfter: claimed.startAfter,
        // Cuts put their segments in line with this; compaction does not.
        coming: this.coming,
      },
    );
    if (collected.kind === "gone") return failed("a page is gone");
    if (collected.kind !== "collected") return this.#settle(partition, collected);
    claimed.startAfter = collected.startAfter;
    claimed.isSwept ||= collected.startAfter === null;
    return this.#settle(partition, { kind: "stored", stored: collected.stored });
  }
}

/** The leader before may have put a log start that it did not live to tell: what lies below it is listed no more. */
async function adoptLogStart(partition: Partition, { manifest }: StoredManifest) {
  const { log } = partition;
  const offset = Math.min(manifest.logStartOffset, log.highWatermark);
  return offset <= log.logStartOffset || (await advertiseLogStart(partition, offset));
}
