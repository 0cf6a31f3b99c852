import { skipGap, type Gap } from "../../../broker/log/gaps.ts";
import { manifestProblems } from "../../../broker/tiering/manifest-problems.ts";
import { maxLeaving, tieredEnd, type Manifest } from "../../../broker/tiering/manifest.ts";
import type { PartitionPath } from "../../../broker/tiering/object-keys.ts";
import type { ReplicaView } from "../cell/replica-view.ts";
import type { Invariant, Observed, ReplicaChange } from "./invariant.ts";
import { segmentProblem } from "./tier-segments.ts";

// Tiered storage (I10, storage.md), asserted on the objects as they are in the store.

type Place = { readonly topicId: string; readonly index: number };

/** The recoveries that stand: of two that meet, the later one's end and start. */
function gapsOf({ truth }: Observed, { topicId, index }: Place): Gap[] {
  const gaps: Gap[] = [];
  for (const { end, start } of truth.partition(topicId, index)?.recoveries ?? []) {
    let from = end;
    for (let last = gaps.at(-1); last !== undefined && from < last.start; last = gaps.at(-1)) {
      from = Math.min(from, last.end);
      gaps.pop();
    }
    gaps.push({ end: from, start });
  }
  return gaps;
}

/** A topic that is gone has no truth to compare with. */
const isJudged = (observed: Observed, place: Place): boolean =>
  observed.truth.partition(place.topicId, place.index) !== undefined;

const soundManifests: Invariant = {
  name: "T1",
  about: "a manifest lists the log from its start on without hole or overlap, outside of gaps",
  watch: (observed) => ({
    manifest({ path, after }) {
      if (!isJudged(observed, path)) return null;
      const pages = observed.tier.pages(path, after);
      const [problem] = manifestProblems(after, gapsOf(observed, path), pages);
      return problem ?? null;
    },
  }),
};

const coversTheLog: Invariant = {
  name: "T2",
  about:
    "manifest and hot log of each member in sync cover [log start, log end) without a hole; a leader's log end is not below the tiered end",
  watch: (observed) => ({
    replica: ({ broker, replica, before }) =>
      before !== null &&
      before.localStartOffset === replica.localStartOffset &&
      before.logStartOffset === replica.logStartOffset &&
      before.logEndOffset === replica.logEndOffset &&
      before.isLeader === replica.isLeader
        ? null
        : uncovered(observed, broker.view.brokerId, replica),
    manifest: ({ path }) => everyMember(observed, path),
    entry: ({ partitions }) =>
      firstOf(partitions, ({ topicId, index }) => everyMember(observed, { topicId, index })),
  }),
};

function everyMember(observed: Observed, { topicId, index }: Place): string | null {
  const { isr = [] } = observed.truth.partition(topicId, index) ?? {};
  return firstOf(isr, (id) => {
    const replica = observed.brokers.get(id)?.view.replica(topicId, index);
    return replica === undefined ? null : uncovered(observed, id, replica);
  });
}

function uncovered(observed: Observed, id: number, replica: ReplicaView): string | null {
  const state = observed.truth.partition(replica.topicId, replica.index);
  if (state?.isr.includes(id) !== true || replica.failure !== null) return null;
  if (!isJudged(observed, replica)) return null;
  const manifest = observed.tier.manifest(replica);
  const end = manifest === null ? 0 : skipGap(gapsOf(observed, replica), tieredEnd(manifest));
  const { logStartOffset, localStartOffset, logEndOffset } = replica;
  if (localStartOffset > logStartOffset && localStartOffset > end) {
    return `member ${id} has nothing below ${localStartOffset}, the object store ends at ${end}, and the log begins at ${logStartOffset}`;
  }
  const leads = state.leader === id && isCurrent(observed, id, replica);
  return leads && manifest !== null && logEndOffset < tieredEnd(manifest)
    ? `leader ${id} ends at ${logEndOffset}, the object store at ${tieredEnd(manifest)}`
    : null;
}

/** It leads, and the metadata log says so too. */
function isCurrent({ truth }: Observed, id: number, replica: ReplicaView): boolean {
  const state = truth.partition(replica.topicId, replica.index);
  return replica.isLeader && state?.leader === id && state.leaderEpoch === replica.leaderEpoch;
}

const listsWhatIsCommitted: Invariant = {
  name: "T3",
  about: "a listed segment holds just the batches that are committed in its range",
  watch: (observed) => ({
    manifest({ path, before, after }) {
      if (!isJudged(observed, path)) return null;
      const known = new Set(before?.segments.map(({ name }) => name));
      const added = after.segments.filter(({ name }) => !known.has(name));
      const committed = observed.committed(path.topicId, path.index);
      return firstOf(added, (entry) => {
        // What is not there is T4's to say.
        const bytes = observed.tier.bytes(path, entry.name);
        return bytes === null ? null : segmentProblem(entry, bytes, committed);
      });
    },
  }),
};

const listedObjectsAreThere: Invariant = {
  name: "T4",
  about:
    "what a manifest lists is in the store; what goes from there has been noted as leaving before",
  watch: (observed) => ({
    manifest({ path, after }) {
      if (!isJudged(observed, path)) return null;
      const missing = namesIn(observed, path, after).find(
        (name) => observed.tier.bytes(path, name) === null,
      );
      return missing === undefined ? null : `${missing} is listed and not there`;
    },
    object({ key, after }) {
      const found = observed.tier.objectOf(key);
      if (after !== null || found === null || !isJudged(observed, found.path)) return null;
      const { path, object } = found;
      if (object.kind === "manifest") return "the manifest of a topic that is there is deleted";
      const manifest = observed.tier.manifest(path);
      if (manifest === null) return "it is deleted, and there is no manifest";
      if (namesIn(observed, path, manifest).includes(object.name)) {
        return "it is deleted, and is listed";
      }
      const isLeaving = manifest.leaving.some(({ name }) => name === object.name);
      return isLeaving ? null : "it is deleted, and was not noted as leaving";
    },
  }),
};

function namesIn({ tier }: Observed, path: PartitionPath, manifest: Manifest): string[] {
  const paged = [...tier.pages(path, manifest).values()].flat();
  return [...manifest.pages, ...paged, ...manifest.segments].map(({ name }) => name);
}

const oneWriter: Invariant = {
  name: "T5",
  about:
    "a manifest follows the one before it, in the same or a later epoch; nobody puts a segment without having claimed it",
  watch: (observed) => ({
    manifest({ before, after }) {
      if (before === null) return null;
      if (after.leaderEpoch < before.leaderEpoch) {
        return `epoch ${after.leaderEpoch} follows ${before.leaderEpoch}`;
      }
      if (after.revision !== before.revision + 1) {
        return `revision ${after.revision} follows ${before.revision}`;
      }
      if (after.logStartOffset < before.logStartOffset) {
        return `log start ${after.logStartOffset} follows ${before.logStartOffset}`;
      }
      return tieredEnd(after) < tieredEnd(before)
        ? `the tiered end goes from ${tieredEnd(before)} back to ${tieredEnd(after)}`
        : null;
    },
    object({ key, after }) {
      const found = observed.tier.objectOf(key);
      if (after === null || found?.object.kind !== "segment") return null;
      if (observed.truth.partition(found.path.topicId, found.path.index) === undefined) return null;
      const claimed = observed.tier.manifest(found.path)?.leaderEpoch ?? -1;
      const { leaderEpoch } = found.object;
      return leaderEpoch > claimed
        ? `a segment of epoch ${leaderEpoch} is put; the manifest is claimed by ${claimed}`
        : null;
    },
  }),
};

const startIsPutFirst: Invariant = {
  name: "T6",
  about: "a leader's log start does not pass what the manifest lists: put, then advertise",
  watch: (observed) => ({
    replica: (change) => (hasMovedStart(change) ? listedBelow(observed, change) : null),
  }),
};

function hasMovedStart({ replica, before }: ReplicaChange): boolean {
  return (
    replica.isLeader &&
    before?.isLeader === true &&
    before.leaderEpoch === replica.leaderEpoch &&
    replica.logStartOffset > before.logStartOffset
  );
}

function listedBelow(observed: Observed, { broker, replica }: ReplicaChange): string | null {
  if (!isCurrent(observed, broker.view.brokerId, replica)) return null;
  const manifest = observed.tier.manifest(replica);
  if (manifest === null || manifest.leaving.length >= maxLeaving) return null;
  const [oldest] = [...manifest.pages, ...manifest.segments];
  return oldest !== undefined && oldest.endOffset <= replica.logStartOffset
    ? `the log begins at ${replica.logStartOffset}, and the manifest lists ${oldest.name}, which ends at ${oldest.endOffset}`
    : null;
}

const sealedIsTiered: Invariant = {
  name: "T7",
  about: "what a seal says is in the object store, up to its end, or below the log start",
  watch: (observed) => ({
    entry: ({ partitions }) =>
      firstOf(partitions, ({ topicId, index, before, after }) => {
        const end = before?.sealed === null ? (after?.sealed?.end ?? 0) : 0;
        const manifest = observed.tier.manifest({ topicId, index });
        if (end === 0 || (manifest !== null && tieredEnd(manifest) >= end)) return null;
        const leader = observed.known.get(after?.leader ?? -1)?.view.replica(topicId, index);
        if (leader !== undefined && leader.logStartOffset >= end) return null;
        return `it is sealed at ${end}, and the object store ends at ${manifest === null ? 0 : tieredEnd(manifest)}`;
      }),
  }),
};

function firstOf<Each>(each: readonly Each[], check: (one: Each) => string | null): string | null {
  for (const one of each) {
    const wrong = check(one);
    if (wrong !== null) return wrong;
  }
  return null;
}

export const tierInvariants: readonly Invariant[] = [
  soundManifests,
  coversTheLog,
  listsWhatIsCommitted,
  listedObjectsAreThere,
  oneWriter,
  startIsPutFirst,
  sealedIsTiered,
];
