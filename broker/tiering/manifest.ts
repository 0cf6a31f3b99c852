import { skipGap, type Gap } from "../log/gaps.ts";

// Which objects are a partition's log below its tiered end. Replaced whole by conditional put (manifest-store.ts); the functions here say what may follow what.
// None of them changes its argument.

export type SegmentEntry = {
  /** The object's key without the partition's prefix (object-keys.ts). */
  readonly name: string;
  readonly baseOffset: number;
  /** Exclusive; the next segment begins there, or behind the gap that a recovery left there. */
  readonly endOffset: number;
  /** Of the leader that wrote the object. */
  readonly leaderEpoch: number;
  /** Of the object, footer included. */
  readonly sizeBytes: number;
  /** Of its batches: the footer begins there. */
  readonly dataBytes: number;
  /** Of the batches' largest timestamps; -1 if there is none. */
  readonly minTimestamp: number;
  readonly maxTimestamp: number;
  /** How many compactions its batches have gone through: 0 as they were produced. */
  readonly generation: number;
  /** The marker of an aborted transaction lies in it: readers of committed data need its footer. */
  readonly hasAborted: boolean;
};

/** An immutable object with the entries of older segments, in the manifest's stead. */
export type PageEntry = {
  readonly name: string;
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly segmentCount: number;
  /** Of its segments' objects. */
  readonly sizeBytes: number;
  readonly minTimestamp: number;
  readonly maxTimestamp: number;
  readonly hasAborted: boolean;
};

/**
 * An object no reader finds any more, deleted once those that found it before have gone. A page stands for itself alone: with it its segments are listed
 * nowhere, and are found as orphans.
 */
export type LeavingObject = { readonly name: string; readonly sinceMs: number };

export type Manifest = {
  readonly topicId: string;
  readonly index: number;
  /** Of the leader that claimed it last: only it may put the next one. */
  readonly leaderEpoch: number;
  /** Grows by one with each change, so that no two manifests have the same bytes: the store's condition may go by contents. */
  readonly revision: number;
  /** Not below where the log begins for readers: what lies wholly below it is not listed. */
  readonly logStartOffset: number;
  /** Older than `segments`, the oldest first. */
  readonly pages: readonly PageEntry[];
  /** The oldest first, at most `maxInlineSegments` (manifest-paging.ts) once stored. */
  readonly segments: readonly SegmentEntry[];
  /** At most `maxLeaving`. */
  readonly leaving: readonly LeavingObject[];
  /** The first offset that compaction has not been over yet. */
  readonly cleanedTo: number;
  readonly expiring: Expiring;
};

/**
 * What compaction has left below `cleanedTo` only for those who read at the time: tombstones, and markers of transactions. Here, so that they go in time whoever
 * leads by then.
 */
export type Expiring = {
  /** As they are uncompressed; 0 without any. */
  readonly bytes: number;
  /** When the last of them may go, in milliseconds since the epoch; -1 without any. */
  readonly lastHorizonMs: number;
};

export const nothingExpires: Expiring = { bytes: 0, lastHorizonMs: -1 };

export const maxLeaving = 4096;

export type Refusal =
  /** A leader of a later epoch has claimed it, or this one has not yet. */
  | { readonly kind: "fenced"; readonly leaderEpoch: number }
  /** Not what may follow: the caller's view is an older one, or it has a bug. */
  | { readonly kind: "rejected"; readonly message: string }
  /** Too many objects wait for their deletion: collect first (orphans.ts). */
  | { readonly kind: "busy" };

export type Changed = { readonly kind: "changed"; readonly manifest: Manifest };

export type Transition = Changed | Refusal;

export const rejected = (message: string): Refusal => ({ kind: "rejected", message });

/** The next manifest, with these fields. */
export const changed = (manifest: Manifest, change: Partial<Manifest>): Changed => ({
  kind: "changed",
  manifest: { ...manifest, ...change, revision: manifest.revision + 1 },
});

/** Takes the manifest over for `leaderEpoch`, or makes the first one: from then on a predecessor's put, however late, fails. */
export function claim(
  manifest: Manifest | null,
  leaderEpoch: number,
  partition: {
    readonly topicId: string;
    readonly index: number;
    /** For the first manifest: where the log begins. */
    readonly logStartOffset: number;
  },
): Transition {
  if (manifest === null) {
    const { topicId, index, logStartOffset } = partition;
    const made = { topicId, index, leaderEpoch, revision: 1, logStartOffset };
    const empty = { pages: [], segments: [], leaving: [], cleanedTo: logStartOffset };
    const expiring = nothingExpires;
    return { kind: "changed", manifest: { ...made, ...empty, expiring } };
  }
  if (manifest.topicId !== partition.topicId || manifest.index !== partition.index) {
    return rejected("the manifest is another partition's");
  }
  if (manifest.leaderEpoch > leaderEpoch) {
    return { kind: "fenced", leaderEpoch: manifest.leaderEpoch };
  }
  return changed(manifest, { leaderEpoch });
}

/** Where the listed segments end: everything below is in the object store or below the log's start. Without any, where the log begins. */
export const tieredEnd = ({ pages, segments, logStartOffset }: Manifest): number =>
  Math.max(logStartOffset, segments.at(-1)?.endOffset ?? pages.at(-1)?.endOffset ?? 0);

/** Where the listed segments begin, or -1 without any. */
export const tieredStart = ({ pages, segments }: Manifest): number =>
  pages[0]?.baseOffset ?? segments[0]?.baseOffset ?? -1;

/** Where the oldest that is listed ends, a page or a segment; Infinity without any. */
export const tieredFirstEnd = ({ pages, segments }: Manifest): number =>
  pages[0]?.endOffset ?? segments[0]?.endOffset ?? Infinity;

/**
 * Lists one more segment at the end. It begins where the last one ends, or behind the gap of `gaps` (the log's recoveries) that begins there; or, where the
 * log's start has passed the tiered end, wherever it has the log's start in it.
 */
export function appendSegment(
  manifest: Manifest,
  entry: SegmentEntry,
  gaps: readonly Gap[],
): Transition {
  const wrong = entryProblem(entry);
  if (wrong !== null) return rejected(wrong);
  if (entry.leaderEpoch !== manifest.leaderEpoch) {
    return { kind: "fenced", leaderEpoch: manifest.leaderEpoch };
  }
  if (manifest.leaving.some(({ name }) => name === entry.name)) {
    // Taken for an orphan while its put was under way: it will be deleted.
    return rejected(`segment ${entry.name} is leaving`);
  }
  const { logStartOffset } = manifest;
  const lastEnd = manifest.segments.at(-1)?.endOffset ?? manifest.pages.at(-1)?.endOffset ?? 0;
  const isNext = entry.baseOffset === skipGap(gaps, tieredEnd(manifest));
  const holdsStart =
    lastEnd <= logStartOffset &&
    entry.baseOffset >= lastEnd &&
    entry.baseOffset <= skipGap(gaps, logStartOffset);
  if ((!isNext && !holdsStart) || entry.endOffset <= logStartOffset) {
    return rejected(
      `segment [${entry.baseOffset}, ${entry.endOffset}) does not continue the tier, which ends at ${tieredEnd(manifest)}`,
    );
  }
  if (gaps.some(({ end, start }) => entry.baseOffset < end && entry.endOffset > end && start > end))
    return rejected(`segment [${entry.baseOffset}, ${entry.endOffset}) spans a recovery`);
  return changed(manifest, { segments: [...manifest.segments, entry] });
}

function entryProblem(entry: SegmentEntry): string | null {
  const { name, baseOffset, endOffset, dataBytes, sizeBytes } = entry;
  if (baseOffset < 0 || baseOffset >= endOffset) return `segment ${name} has no range`;
  if (dataBytes < 0 || dataBytes >= sizeBytes) return `segment ${name} has no footer`;
  if (entry.minTimestamp > entry.maxTimestamp) return `segment ${name} has no times`;
  return null;
}

export type Replacement = {
  /** Names of adjacent segments, in their order. */
  readonly from: readonly string[];
  /** What they become, in order: the same range of offsets, in as many objects as one likes, at least one. */
  readonly to: readonly SegmentEntry[];
  readonly nowMs: number;
  /** The first offset not cleaned, if this is compaction's doing. */
  readonly cleanedTo?: number;
};

/** Swaps a run of inline segments for others that cover the same offsets: compaction, or small ones merged. Those replaced leave. */
export function replaceSegments(manifest: Manifest, replacement: Replacement): Transition {
  const { leaving } = manifest;
  const replaced = replacedRun(manifest.segments, replacement, leaving);
  if (typeof replaced === "string") return rejected(replaced);
  if (!isOfLeader(manifest, replacement)) {
    return { kind: "fenced", leaderEpoch: manifest.leaderEpoch };
  }
  if (leaving.length + replacement.from.length > maxLeaving) return { kind: "busy" };
  return changed(manifest, {
    segments: replaced,
    leaving: [...leaving, ...leavingSince(replacement.from, replacement.nowMs)],
    cleanedTo: Math.max(manifest.cleanedTo, replacement.cleanedTo ?? 0),
  });
}

export const isOfLeader = ({ leaderEpoch }: Manifest, { to }: Replacement): boolean =>
  to.every((entry) => entry.leaderEpoch === leaderEpoch);

export const leavingSince = (names: readonly string[], sinceMs: number): LeavingObject[] =>
  names.map((name) => ({ name, sinceMs }));

/** The entries after the swap, or why it cannot be. */
export function replacedRun(
  entries: readonly SegmentEntry[],
  { from, to }: Replacement,
  leaving: readonly LeavingObject[],
): SegmentEntry[] | string {
  const at = entries.findIndex(({ name }) => name === from[0]);
  const run = at < 0 ? [] : entries.slice(at, at + from.length);
  if (run.length !== from.length || run.some(({ name }, index) => name !== from[index])) {
    return "what is to be replaced is not listed as one run";
  }
  // Only where offsets meet: no segment spans a recovery's gap.
  if (!isContiguous(run) || !isContiguous(to)) return "a run has a hole";
  const wrong = to.map(entryProblem).find((each) => each !== null);
  if (wrong !== undefined) return wrong;
  if (
    to[0]?.baseOffset !== run[0]?.baseOffset ||
    to.at(-1)?.endOffset !== run.at(-1)?.endOffset ||
    run.length === 0
  ) {
    return "a run is replaced by one that covers other offsets";
  }
  const used = new Set([...entries, ...leaving].map(({ name }) => name));
  if (to.some(({ name }) => used.has(name))) return "a name is used again";
  return entries.toSpliced(at, run.length, ...to);
}

const isContiguous = (run: readonly SegmentEntry[]): boolean =>
  run.every(({ baseOffset }, at) => at === 0 || run[at - 1]!.endOffset === baseOffset);

/**
 * The log begins at `offset`: pages and segments wholly below it leave, the oldest first, as many as `leaving` has room for (the rest with the next move).
 * `rejected` for one that goes back.
 */
export function moveLogStart(manifest: Manifest, offset: number, nowMs: number): Transition {
  if (offset < manifest.logStartOffset) {
    return rejected(`the log start moves from ${manifest.logStartOffset} back to ${offset}`);
  }
  const room = Math.max(0, maxLeaving - manifest.leaving.length);
  const gonePages = manifest.pages.filter(({ endOffset }) => endOffset <= offset).slice(0, room);
  const isPaged = gonePages.length < manifest.pages.length;
  const goneSegments = isPaged
    ? []
    : manifest.segments
        .filter(({ endOffset }) => endOffset <= offset)
        .slice(0, room - gonePages.length);
  const gone = [...gonePages, ...goneSegments].map(({ name }) => name);
  return changed(manifest, {
    logStartOffset: offset,
    pages: manifest.pages.slice(gonePages.length),
    segments: manifest.segments.slice(goneSegments.length),
    leaving: [...manifest.leaving, ...leavingSince(gone, nowMs)],
    cleanedTo: Math.max(manifest.cleanedTo, offset),
  });
}

/** Compaction has been over everything below `offset`, and what it put is in place. */
export const noteCleaned = (
  manifest: Manifest,
  offset: number,
  expiring: Expiring = manifest.expiring,
): Transition =>
  offset < manifest.cleanedTo || offset > tieredEnd(manifest)
    ? rejected(`cleaned to ${manifest.cleanedTo}, not to ${offset}`)
    : changed(manifest, { cleanedTo: offset, expiring });

/** The objects of these names are deleted. */
export function forget(manifest: Manifest, names: ReadonlySet<string>): Transition {
  return changed(manifest, { leaving: manifest.leaving.filter(({ name }) => !names.has(name)) });
}

/** Objects that nobody lists wait for their deletion like those that left: as many as there is room for. */
export function noteOrphans(
  manifest: Manifest,
  names: readonly string[],
  nowMs: number,
): Transition {
  const known = new Set([
    ...manifest.leaving.map(({ name }) => name),
    ...manifest.segments.map(({ name }) => name),
    ...manifest.pages.map(({ name }) => name),
  ]);
  const room = Math.max(0, maxLeaving - manifest.leaving.length);
  const orphans = names.filter((name) => !known.has(name)).slice(0, room);
  return changed(manifest, { leaving: [...manifest.leaving, ...leavingSince(orphans, nowMs)] });
}
