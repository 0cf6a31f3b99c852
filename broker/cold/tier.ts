import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import type { LogBefore, TimestampedOffset } from "../log/partition-log.ts";
import { LogReadError } from "../log/partition-log.ts";
import type { LogRange } from "../log/log-range.ts";
import {
  createManifestPages,
  type ManifestPages,
  type TieredView,
} from "../tiering/manifest-pages.ts";
import {
  createManifestStore,
  type ManifestStore,
  type StoredManifest,
} from "../tiering/manifest-store.ts";
import { tieredEnd, type Manifest } from "../tiering/manifest.ts";
import type { PartitionPath } from "../tiering/object-keys.ts";
import { createPieceCache } from "../tiering/piece-cache.ts";
import type { SegmentRange } from "../tiering/segment-read.ts";
import { createManifestViews, type ManifestViews } from "./manifest-views.ts";
import { createLentBytes, roomFor, tieredRange, type LentBytes } from "./tiered-range.ts";
import { createTieredReader, type TieredReader } from "../tiering/tiered-reader.ts";
import type { OffsetBounds, TimeLookup } from "../tiering/tiered-time-lookup.ts";
import { findOffsetByTimestamp, maxTimestampOffset } from "../tiering/tiered-time-lookup.ts";

// What a broker knows of the object store, whatever its part in a partition: where manifests are, and what they list.

export type TierConfig = {
  /** Pieces of segments kept in memory, in bytes, for all readers. */
  readonly cacheBytes: number;
  /** What one ranged GET asks for. */
  readonly pieceBytes: number;
  /** Bytes from the object store that wait to be sent. */
  readonly lentBytes: number;
  /** GETs under way, and callers that wait for one. */
  readonly maxGets: number;
  readonly maxWaitingGets: number;
};

export const defaultTierConfig: TierConfig = {
  cacheBytes: 64 * 1024 * 1024,
  pieceBytes: 4 * 1024 * 1024,
  lentBytes: 64 * 1024 * 1024,
  maxGets: 16,
  maxWaitingGets: 1024,
};

export type TierPlace = { readonly topicId: string; readonly index: number };

export type TierRead =
  | {
      readonly kind: "data";
      readonly records: LogRange;
      readonly baseOffset: number;
      readonly nextOffset: number;
    }
  /** `isAtEnd`: nothing is left from there to the end of what is tiered (compaction took it). Else there is, and it does not fit or may not be given. */
  | { readonly kind: "empty"; readonly isAtEnd: boolean }
  /** The store does not answer, or what it has is damaged: to be tried again. */
  | { readonly kind: "unavailable"; readonly reason: string };

export type Tier = {
  readonly manifests: ManifestStore;
  readonly pages: ManifestPages;
  readonly reader: TieredReader;
  readonly objects: ObjectStore;
  readonly config: TierConfig;
  pathOf(place: TierPlace): PartitionPath;
  /** A manifest this broker has put. */
  note(place: TierPlace, stored: StoredManifest): void;
  /** As it was read last, if that was not too long ago: whoever leads notes each change. Throws LogReadError where the store does not answer. */
  manifest(place: TierPlace, options?: { readonly isFresh: boolean }): Promise<Manifest | null>;
  /** Batches from `fromOffset` on. */
  read(place: TierPlace, range: SegmentRange): Promise<TierRead>;
  /** The first record within the bounds with at least that timestamp; null if none is tiered. Throws LogReadError. */
  findOffsetByTimestamp(
    place: TierPlace,
    bounds: OffsetBounds & { readonly timestamp: number },
  ): Promise<TimestampedOffset | null>;
  maxTimestampOffset(place: TierPlace, bounds: OffsetBounds): Promise<TimestampedOffset | null>;
  /** What a log begins with that begins where the tier ends; null if nothing is tiered. Throws LogReadError. */
  beginning(place: TierPlace): Promise<{ offset: number; before: LogBefore } | null>;
  /** Drops what was known of the partition. */
  forget(place: TierPlace): void;
};

export type TierOptions = {
  readonly cell: string;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly config?: Partial<TierConfig>;
};

export function createTier(options: TierOptions): Tier {
  return new ObjectTier(options);
}

class ObjectTier implements Tier {
  readonly manifests: ManifestStore;
  readonly pages: ManifestPages;
  readonly reader: TieredReader;
  readonly objects: ObjectStore;
  readonly config: TierConfig;
  readonly #cell: string;
  readonly #clock: Clock;
  readonly #views: ManifestViews;
  readonly #lent: LentBytes;

  constructor({ cell, objects, clock, random, config }: TierOptions) {
    this.config = { ...defaultTierConfig, ...config };
    const { pieceBytes, cacheBytes: maxBytes, maxGets, maxWaitingGets: maxQueued } = this.config;
    this.objects = objects;
    this.#cell = cell;
    this.#clock = clock;
    this.#lent = createLentBytes(this.config.lentBytes);
    const pieces = createPieceCache({ objects, pieceBytes, maxBytes, maxGets, maxQueued });
    this.pages = createManifestPages({ objects });
    this.manifests = createManifestStore({ objects, random });
    this.#views = createManifestViews({ clock, manifests: this.manifests });
    this.reader = createTieredReader({ objects, pieces, pages: this.pages });
  }

  pathOf({ topicId, index }: TierPlace): PartitionPath {
    return { cell: this.#cell, topicId, index };
  }

  note(place: TierPlace, stored: StoredManifest): void {
    this.#views.note(this.pathOf(place), stored);
  }

  forget(place: TierPlace): void {
    this.#views.forget(this.pathOf(place));
  }

  manifest(place: TierPlace, options = { isFresh: false }): Promise<Manifest | null> {
    return this.#views.manifest(this.pathOf(place), options);
  }

  /** Asks with the manifest that is known, and once more with the store's if that proves to be an old one. */
  async #withView<Answer extends { readonly kind: string }>(
    place: TierPlace,
    ask: (view: TieredView) => Promise<Answer>,
    isStale: (answer: Answer, manifest: Manifest) => boolean,
  ): Promise<Answer | null> {
    for (const isFresh of [false, true]) {
      const manifest = await this.manifest(place, { isFresh });
      if (manifest === null && !isFresh) continue;
      if (manifest === null) return null;
      const answer = await ask({ path: this.pathOf(place), manifest });
      if (isFresh || !isStale(answer, manifest)) return answer;
    }
    return null;
  }

  async read(place: TierPlace, range: SegmentRange): Promise<TierRead> {
    const bytes = Math.min(range.maxBytes, this.config.pieceBytes);
    const room = await roomFor(this.#lent, bytes, this.#clock);
    if (room === null) return { kind: "unavailable", reason: "too much waits to be sent" };
    try {
      const read = await this.#withView(
        place,
        (view) => this.reader.read(view, range),
        (found) => found.kind === "gone" || (found.kind === "empty" && found.isAtEnd),
      );
      if (read === null) return { kind: "unavailable", reason: "there is no manifest" };
      if (read.kind === "empty") return read;
      if (read.kind !== "data") return { kind: "unavailable", reason: reasonOf(read) };
      const { baseOffset, nextOffset } = read;
      const records = tieredRange(this.#lent, read.bytes);
      return { kind: "data", records, baseOffset, nextOffset };
    } catch (error) {
      if (!(error instanceof LogReadError)) throw error;
      return { kind: "unavailable", reason: error.message };
    } finally {
      room.release();
    }
  }

  findOffsetByTimestamp(
    place: TierPlace,
    bounds: OffsetBounds & { readonly timestamp: number },
  ): Promise<TimestampedOffset | null> {
    return this.#lookUp(place, bounds, (view) => findOffsetByTimestamp(this, view, bounds));
  }

  maxTimestampOffset(place: TierPlace, bounds: OffsetBounds): Promise<TimestampedOffset | null> {
    return this.#lookUp(place, bounds, (view) => maxTimestampOffset(this, view, bounds));
  }

  /** What is asked about is there: a manifest that ends before it is an old one, and might name a later record. */
  async #lookUp(
    place: TierPlace,
    { upToOffset }: OffsetBounds,
    ask: (view: TieredView) => Promise<TimeLookup>,
  ): Promise<TimestampedOffset | null> {
    const found = await this.#withView(
      place,
      ask,
      ({ kind }, manifest) => kind === "gone" || tieredEnd(manifest) < upToOffset,
    );
    if (found === null || found.kind === "none") return null;
    if (found.kind !== "found") throw new LogReadError(`the object store: ${reasonOf(found)}`);
    const { offset, timestamp, leaderEpoch } = found;
    return { offset, timestamp, leaderEpoch };
  }

  async beginning(place: TierPlace): Promise<{ offset: number; before: LogBefore } | null> {
    const manifest = await this.manifest(place, { isFresh: true });
    if (manifest === null) return null;
    const view = { path: this.pathOf(place), manifest };
    const end = await this.reader.epochsAndProducersAt(view, tieredEnd(manifest));
    if (end.kind === "none") return null;
    if (end.kind !== "end") {
      // The manifest is as the store has it now: what it lists and is not there does not come back by itself.
      const isDamage = end.kind === "corrupt" || end.kind === "gone";
      throw new LogReadError(`the object store: ${reasonOf(end)}`, { isDamage });
    }
    const { endOffset, epochs, producers, gaps } = end;
    const { logStartOffset } = manifest;
    return { offset: endOffset, before: { logStartOffset, epochs, producers, gaps } };
  }
}

const reasonOf = (failure: { readonly kind: string; readonly message?: string }): string =>
  failure.message ?? failure.kind;
