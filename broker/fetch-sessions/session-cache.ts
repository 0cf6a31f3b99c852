import assert from "node:assert";
import { createDirtyPartitions, type DirtyPartitions, forgetAll } from "./dirty-partitions.ts";

// Fetch sessions (KIP-227): a consumer names its partitions once, the broker remembers them, and each later request and response carries only what
// changed. The cache is bounded in sessions and in partitions; who finds no room is served all the same, with full requests and responses. It is changed in
// place, and takes time as an argument. resolve-fetch.ts reads requests with it, shape-response.ts writes responses.

/** What a request wants of one partition, and what its last response said. */
export type WantedPartition = {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  currentLeaderEpoch: number;
  fetchOffset: number;
  lastFetchedEpoch: number;
  logStartOffset: number;
  partitionMaxBytes: number;
  /** As in the last response; -1 before the first and after an error, so that the next one is sent whatever it says. */
  sentHighWatermark: number;
  sentLogStartOffset: number;
  /** To a follower. */
  sentTieredEnd: number;
  sentPackedEnd: number;
};

export type FetchSession = {
  readonly id: number;
  /** The logical cluster it belongs to: another one's clients do not find it. */
  readonly clusterId: string;
  /** Followers' sessions are not evicted for consumers. */
  readonly isFollower: boolean;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  lastUsedMs: number;
  /** The connection that last used it. */
  owner: string;
  /** What the next request of the session has to say. */
  epoch: number;
  /** By topic (id or name) and index, in the order they are served. */
  readonly partitions: Map<string, WantedPartition>;
  /** Which of them are to be looked at; null if all are, as for consumers: what they may see depends on more than the partition. */
  readonly dirty: DirtyPartitions | null;
};

export type SessionLimits = {
  /** `max.incremental.fetch.session.cache.slots`. */
  readonly maxSessions: number;
  /** Partitions of all sessions together. A cached partition takes some 300 bytes. */
  readonly maxPartitions: number;
  /** Sessions of one connection: some clients open one with every poll and would fill the cache (older @platformatic/kafka and sarama). */
  readonly maxSessionsPerOwner: number;
  /** Idle for so long, a session is evicted for any new one; alive for so long, for a larger one. */
  readonly evictionMs: number;
};

export const defaultSessionLimits: SessionLimits = {
  maxSessions: 1000,
  maxPartitions: 100_000,
  maxSessionsPerOwner: 8,
  evictionMs: 120_000,
};

export type FetchSessionCache = {
  readonly limits: SessionLimits;
  /** A positive int32, hard to guess: whoever knows an id can end that session. From the Random port. */
  readonly newSessionId: () => number;
  /** Least recently used first. */
  readonly sessions: Map<number, FetchSession>;
  readonly byOwner: Map<string, Set<FetchSession>>;
  partitionCount: number;
};

export function createFetchSessionCache(
  newSessionId: () => number,
  limits: SessionLimits = defaultSessionLimits,
): FetchSessionCache {
  return { limits, newSessionId, sessions: new Map(), byOwner: new Map(), partitionCount: 0 };
}

export type NewSession = Pick<
  FetchSession,
  "clusterId" | "owner" | "isFollower" | "usesTopicIds" | "partitions"
>;

/** Keeps a session for these partitions, evicting less valuable ones, or gives null if there is no room. */
export function addSession(
  cache: FetchSessionCache,
  wanted: NewSession,
  nowMs: number,
): FetchSession | null {
  const size = wanted.partitions.size;
  if (size > cache.limits.maxPartitions) return null;
  makeRoomForOwner(cache, wanted.owner);
  while (
    cache.sessions.size >= cache.limits.maxSessions ||
    cache.partitionCount + size > cache.limits.maxPartitions
  ) {
    const victim = leastValuable(cache, wanted, nowMs);
    if (victim === null) return null;
    removeSession(cache, victim);
  }
  const session: FetchSession = {
    ...wanted,
    dirty: wanted.isFollower ? createDirtyPartitions(wanted.partitions.values(), nowMs) : null,
    id: unusedId(cache),
    createdMs: nowMs,
    lastUsedMs: nowMs,
    epoch: 1,
  };
  cache.sessions.set(session.id, session);
  cache.partitionCount += size;
  ownedBy(cache, session.owner).add(session);
  return session;
}

export function removeSession(cache: FetchSessionCache, session: FetchSession): void {
  const isKnown = cache.sessions.delete(session.id);
  assert(isKnown, "a session is removed once");
  cache.partitionCount -= session.partitions.size;
  disown(cache, session);
  if (session.dirty !== null) forgetAll(session.dirty);
}

/** The session is in use now, by this connection. */
export function touchSession(
  cache: FetchSessionCache,
  session: FetchSession,
  use: { readonly owner: string; readonly nowMs: number },
): void {
  cache.sessions.delete(session.id);
  cache.sessions.set(session.id, session);
  session.lastUsedMs = use.nowMs;
  if (session.dirty !== null) session.dirty.clock.lastFetchMs = use.nowMs;
  if (session.owner === use.owner) return;
  // A client may go on with its session on a new connection.
  disown(cache, session);
  session.owner = use.owner;
  ownedBy(cache, use.owner).add(session);
}

const ownedBy = (cache: FetchSessionCache, owner: string): Set<FetchSession> => {
  const owned = cache.byOwner.get(owner) ?? new Set();
  cache.byOwner.set(owner, owned);
  return owned;
};

const disown = (cache: FetchSessionCache, session: FetchSession): void => {
  const owned = ownedBy(cache, session.owner);
  owned.delete(session);
  if (owned.size === 0) cache.byOwner.delete(session.owner);
};

const makeRoomForOwner = (cache: FetchSessionCache, owner: string): void => {
  const owned = cache.byOwner.get(owner);
  if (owned === undefined || owned.size < cache.limits.maxSessionsPerOwner) return;
  let oldest: FetchSession | null = null;
  for (const session of owned) {
    if (oldest === null || session.lastUsedMs < oldest.lastUsedMs) oldest = session;
  }
  if (oldest !== null) removeSession(cache, oldest);
};

/**
 * Whom to evict for `wanted`, by Kafka's rules: the least recently used if it is idle; else the smallest of those that have had their time and are no more
 * valuable (a follower's is more valuable than a consumer's, a larger one than a smaller); null if there is none.
 */
const leastValuable = (
  cache: FetchSessionCache,
  wanted: NewSession,
  nowMs: number,
): FetchSession | null => {
  const { evictionMs } = cache.limits;
  let best: FetchSession | null = null;
  for (const session of cache.sessions.values()) {
    if (nowMs - session.lastUsedMs > evictionMs) return session;
    const hadItsTime = nowMs - session.createdMs > evictionMs;
    const isOpen = hadItsTime || (wanted.isFollower && !session.isFollower);
    if (
      isOpen &&
      !isMoreValuable(session, wanted) &&
      (best === null || isMoreValuable(best, session))
    ) {
      best = session;
    }
  }
  return best;
};

const isMoreValuable = (a: NewSession, b: NewSession): boolean =>
  a.isFollower === b.isFollower ? a.partitions.size > b.partitions.size : a.isFollower;

const unusedId = (cache: FetchSessionCache): number => {
  for (;;) {
    const id = cache.newSessionId();
    assert(Number.isInteger(id) && id > 0 && id <= 0x7fff_ffff, "a session id is a positive int32");
    if (!cache.sessions.has(id)) return id;
  }
};
