import type { ErrorName } from "../../protocol/errors.ts";
import { forgetPartition, makeDirty } from "./dirty-partitions.ts";
import {
  addSession,
  removeSession,
  touchSession,
  type FetchSession,
  type FetchSessionCache,
  type WantedPartition,
} from "./session-cache.ts";

/** The part of a Fetch request that sessions read. */
export type FetchRequestPart = {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly topicId: string;
    readonly partitions: readonly RequestPartition[];
  }[];
  readonly forgottenTopicsData: readonly {
    readonly topic: string;
    readonly topicId: string;
    readonly partitions: readonly number[];
  }[];
};

export type RequestPartition = {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly partitionMaxBytes: number;
  /** What a follower has been told, and has taken; absent for those who do not say. */
  readonly highWatermark?: number;
};

export type FetchCaller = {
  readonly clusterId: string;
  /** Whatever identifies the connection. */
  readonly owner: string;
  readonly isFollower: boolean;
  /** Fetch version 13 and later. */
  readonly usesTopicIds: boolean;
  readonly nowMs: number;
};

export type FetchSessionError = Extract<
  ErrorName,
  "FETCH_SESSION_ID_NOT_FOUND" | "INVALID_FETCH_SESSION_EPOCH" | "FETCH_SESSION_TOPIC_ID_ERROR"
>;

/**
 * `full` and `incremental` belong to a session. `partitions` is what to look at, in this order; of a session it is the live list: read it again for each
 * attempt of a long poll, and not while the response is shaped.
 */
export type ResolvedFetch =
  | {
      readonly kind: "sessionless";
      readonly session: null;
      readonly partitions: Iterable<WantedPartition>;
    }
  | {
      readonly kind: "full" | "incremental";
      readonly session: FetchSession;
      readonly partitions: Iterable<WantedPartition>;
    };

/** Answered with the error at the top, session id 0 and no partitions; the client begins again with a full request. */
export type FetchSessionFailure = { readonly kind: "error"; readonly error: FetchSessionError };

const noSession = 0;
const newSessionEpoch = 0;
const finalEpoch = -1;

/** What a Fetch request asks for, by KIP-227: alone (epoch -1), with a new session (0), or as the next of a session. */
export function resolveFetch(
  cache: FetchSessionCache,
  request: FetchRequestPart,
  caller: FetchCaller,
): ResolvedFetch | FetchSessionFailure {
  const known = findSession(cache, request, caller);
  if (request.sessionEpoch === finalEpoch || request.sessionEpoch === newSessionEpoch) {
    // A full request that names a session ends it.
    if (known !== undefined) removeSession(cache, known);
    return resolveFull(cache, request, caller);
  }
  if (known === undefined) return failed("FETCH_SESSION_ID_NOT_FOUND");
  if (known.usesTopicIds !== caller.usesTopicIds) return failed("FETCH_SESSION_TOPIC_ID_ERROR");
  if (known.epoch !== request.sessionEpoch) return failed("INVALID_FETCH_SESSION_EPOCH");
  return resolveIncremental(cache, { session: known, request, caller });
}

const failed = (error: FetchSessionError): FetchSessionFailure => ({ kind: "error", error });

const findSession = (
  cache: FetchSessionCache,
  request: FetchRequestPart,
  caller: FetchCaller,
): FetchSession | undefined => {
  if (request.sessionId === noSession) return undefined;
  const session = cache.sessions.get(request.sessionId);
  return session?.clusterId === caller.clusterId ? session : undefined;
};

const resolveFull = (
  cache: FetchSessionCache,
  request: FetchRequestPart,
  caller: FetchCaller,
): ResolvedFetch => {
  const partitions = new Map<string, WantedPartition>();
  const { clusterId, owner, isFollower, usesTopicIds } = caller;
  for (const topic of request.topics) {
    for (const asked of topic.partitions) {
      // Named twice, the later request counts, as in Kafka.
      partitions.set(partitionKey(topic, asked.partition, usesTopicIds), newWanted(topic, asked));
    }
  }
  const session =
    request.sessionEpoch === newSessionEpoch && partitions.size > 0
      ? addSession(cache, { clusterId, owner, isFollower, usesTopicIds, partitions }, caller.nowMs)
      : null;
  return session === null
    ? { kind: "sessionless", session, partitions: [...partitions.values()] }
    : { kind: "full", session, partitions: live(session) };
};

type NextRequest = {
  readonly session: FetchSession;
  readonly request: FetchRequestPart;
  readonly caller: FetchCaller;
};

const resolveIncremental = (
  cache: FetchSessionCache,
  next: NextRequest,
): ResolvedFetch | FetchSessionFailure => {
  const { session, request, caller } = next;
  const before = session.partitions.size;
  mergeRequest(session, request);
  cache.partitionCount += session.partitions.size - before;
  if (session.partitions.size === 0) {
    removeSession(cache, session);
    return { kind: "sessionless", session: null, partitions: [] };
  }
  if (cache.partitionCount > cache.limits.maxPartitions && session.partitions.size > before) {
    // Grown past the bound. The client starts over, and is served without a session if there is still no room.
    removeSession(cache, session);
    return failed("FETCH_SESSION_ID_NOT_FOUND");
  }
  // After the largest int32 comes 1: 0 and -1 mean something else.
  session.epoch = session.epoch === 0x7fff_ffff ? 1 : session.epoch + 1;
  touchSession(cache, session, caller);
  return { kind: "incremental", session, partitions: live(session) };
};

/** Partitions named are added or changed, forgotten ones removed, all others stay as they are. */
const mergeRequest = (session: FetchSession, request: FetchRequestPart): void => {
  const { partitions, usesTopicIds, dirty } = session;
  for (const topic of request.topics) {
    for (const asked of topic.partitions) {
      const key = partitionKey(topic, asked.partition, usesTopicIds);
      const cached = partitions.get(key);
      if (cached === undefined) {
        const wanted = newWanted(topic, asked);
        partitions.set(key, wanted);
        dirty?.dirty.add(wanted);
      } else {
        if (dirty !== null) makeDirty(dirty, cached);
        // What was told in another term may have been dropped with it.
        if (cached.currentLeaderEpoch !== asked.currentLeaderEpoch) cached.sentTieredEnd = -1;
        cached.currentLeaderEpoch = asked.currentLeaderEpoch;
        cached.fetchOffset = asked.fetchOffset;
        cached.lastFetchedEpoch = asked.lastFetchedEpoch;
        cached.logStartOffset = asked.logStartOffset;
        cached.partitionMaxBytes = asked.partitionMaxBytes;
        // A follower may have dropped the answer that told it (it came across a new leader epoch): it says what it has (KIP-1166).
        const { highWatermark = Infinity } = asked;
        cached.sentHighWatermark = Math.min(cached.sentHighWatermark, highWatermark);
        if (dirty !== null && asked.logStartOffset < cached.sentLogStartOffset)
          cached.sentLogStartOffset = -1;
      }
    }
  }
  for (const topic of request.forgottenTopicsData) {
    for (const partition of topic.partitions) {
      const key = partitionKey(topic, partition, usesTopicIds);
      const cached = partitions.get(key);
      if (cached !== undefined && dirty !== null) forgetPartition(dirty, cached);
      partitions.delete(key);
    }
  }
};

type TopicName = { readonly topic: string; readonly topicId: string };

/** Index first: it has no colon, so no topic name can make two keys equal. */
export const partitionKey = (topic: TopicName, partition: number, usesTopicIds: boolean): string =>
  `${partition}:${usesTopicIds ? topic.topicId : topic.topic}`;

const newWanted = (topic: TopicName, asked: RequestPartition): WantedPartition => ({
  topic: topic.topic,
  topicId: topic.topicId,
  partition: asked.partition,
  currentLeaderEpoch: asked.currentLeaderEpoch,
  fetchOffset: asked.fetchOffset,
  lastFetchedEpoch: asked.lastFetchedEpoch,
  logStartOffset: asked.logStartOffset,
  partitionMaxBytes: asked.partitionMaxBytes,
  sentHighWatermark: -1,
  sentLogStartOffset: -1,
  sentTieredEnd: -1,
  sentPackedEnd: -1,
});

/** What of the session is to be looked at, from the first one each time it is iterated. */
const live = ({ dirty, partitions }: FetchSession): Iterable<WantedPartition> => ({
  [Symbol.iterator]: () => (dirty?.dirty ?? partitions).values(),
});
