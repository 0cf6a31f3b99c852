import {
  resolveFetch,
  type FetchCaller,
  type FetchRequestPart,
  type RequestPartition,
  type ResolvedFetch,
} from "../../../../broker/fetch-sessions/resolve-fetch.ts";
import {
  createFetchSessionCache,
  defaultSessionLimits,
  type FetchSessionCache,
  type SessionLimits,
} from "../../../../broker/fetch-sessions/session-cache.ts";

export const noTopicId = "AAAAAAAAAAAAAAAAAAAAAA";

/** A cache whose session ids are 1, 2, 3... */
export const newCache = (limits: Partial<SessionLimits> = {}): FetchSessionCache => {
  let id = 0;
  return createFetchSessionCache(() => ++id, { ...defaultSessionLimits, ...limits });
};

export const caller = (over: Partial<FetchCaller> = {}): FetchCaller => ({
  clusterId: "cluster",
  owner: "connection",
  isFollower: false,
  usesTopicIds: false,
  nowMs: 0,
  ...over,
});

export const asked = (partition: number, fetchOffset = 0): RequestPartition => ({
  partition,
  fetchOffset,
  currentLeaderEpoch: -1,
  lastFetchedEpoch: -1,
  logStartOffset: -1,
  partitionMaxBytes: 1000,
});

type Named = Record<string, readonly RequestPartition[]>;

/** A request in the shape of the wire, from `{topic: partitions}`. */
export const request = (
  sessionId: number,
  sessionEpoch: number,
  named: Named = {},
  forgotten: Record<string, readonly number[]> = {},
): FetchRequestPart => ({
  sessionId,
  sessionEpoch,
  topics: Object.entries(named).map(([topic, partitions]) => ({
    topic,
    topicId: noTopicId,
    partitions,
  })),
  forgottenTopicsData: Object.entries(forgotten).map(([topic, partitions]) => ({
    topic,
    topicId: noTopicId,
    partitions,
  })),
});

export const resolved = (
  cache: FetchSessionCache,
  wanted: FetchRequestPart,
  who: FetchCaller = caller(),
): ResolvedFetch => {
  const fetch = resolveFetch(cache, wanted, who);
  if (fetch.kind === "error") throw new Error(fetch.error);
  return fetch;
};

/** "topic-partition@offset" of what is to be served, in order. */
export const served = (fetch: ResolvedFetch): string[] =>
  [...fetch.partitions].map(
    ({ topic, partition, fetchOffset }) => `${topic}-${partition}@${fetchOffset}`,
  );
