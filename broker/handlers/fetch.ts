import type { Clock } from "../../ports/clock.ts";
import { errorCodes } from "../../protocol/errors.ts";
import { extend } from "../../protocol/extension-fields.ts";
import type { Encodable, Infer } from "../../protocol/schema/message.ts";
import {
  metadataAnswerToWire,
  metadataFetchFromWire,
  metadataFetchRequest,
} from "../cell/metadata-fetch.ts";
import type { FetchRead, PartitionFetch, PartitionRead, Untold } from "../fetch/read-partitions.ts";
import { readPartitions } from "../fetch/read-partitions.ts";
import { waitForBytes } from "../fetch/wait-for-bytes.ts";
import { rest, type DirtyPartitions } from "../fetch-sessions/dirty-partitions.ts";
import { isDue, noteTold, putOff, tellAfterMs } from "../fetch-sessions/untold-watermarks.ts";
import type { ResolvedFetch } from "../fetch-sessions/resolve-fetch.ts";
import { resolveFetch } from "../fetch-sessions/resolve-fetch.ts";
import type { WantedPartition } from "../fetch-sessions/session-cache.ts";
import { shapeFetchResponse } from "../fetch-sessions/shape-response.ts";
import { closestReplica } from "../replication/closest-replica.ts";
import type { Replica } from "../replication/follower-fetch.ts";
import { countFetch, followerError, isNewerThanKnown } from "../replication/follower-fetch.ts";
import { askedByFollowers, replicaFetchResponse } from "../replication/replica-fetch-message.ts";
import { restFollower } from "../replication/leader-state.ts";
import { notePressed, type Partition } from "../replication/partition.ts";
import type { BrokerServices } from "../services.ts";
import type { RequestContext } from "./kafka-api.ts";
import { kafkaApi } from "./kafka-api.ts";
import { currentLeader, leaderEndpoints } from "./leader-hint.ts";
import { lookForUnknown } from "./submit.ts";

type Context = RequestContext<BrokerServices>;
type Response = Encodable<typeof replicaFetchResponse>;

/** As clients, followers and followers of the metadata log ask. */
const fetchRequest = extend(metadataFetchRequest, askedByFollowers);
type FetchRequest = Infer<typeof fetchRequest>;

const readCommitted = 1;
const firstVersionWithIds = 13;
/** fetch.max.bytes of the broker (Kafka's default): what one response carries, whatever the client allows. */
const maxResponseBytes = 55 * 1024 * 1024;
const emptyRecords = new Uint8Array(0);

// v4: record batches and isolation levels (v0-3 would need them turned into old message sets; not served). v5: log start. v7: sessions (KIP-227).
// v9: leader epochs (KIP-320). v11: racks (KIP-392). v12: divergence. v13: topic ids (KIP-516). v16: leader hints (KIP-951). v18: see replication.
export const fetch = kafkaApi(
  fetchRequest,
  replicaFetchResponse,
  { versions: [4, 18] },
  async (request, context: Context): Promise<Response> => {
    const { services, clusterId, apiVersion } = context;
    const ofMetadata = metadataFetchFromWire(request);
    if (ofMetadata !== null)
      return metadataAnswerToWire(
        await services.cell.feed.fetched(ofMetadata, (give) => onEnd(context, give)),
      );
    const replica = replicaOf(request);
    const caller = { context, replica };
    if (request.topics.some((topic) => localTopic(topic, caller) === undefined))
      await lookForUnknown(services);
    const resolved = resolveFetch(services.sessions, request, {
      clusterId,
      owner: String(context.connection.id),
      isFollower: replica !== null,
      usesTopicIds: apiVersion >= firstVersionWithIds,
      nowMs: services.clock.monotonicMs(),
    });
    if (resolved.kind === "error")
      return {
        throttleTimeMs: 0,
        errorCode: errorCodes[resolved.error],
        sessionId: 0,
        responses: [],
      };
    if (replica !== null) {
      await countFollower([...resolved.partitions], { context, replica });
      notePressure(request, replica, services);
    }
    const { wanted, read } = await poll(request, resolved, caller);
    return shape(resolved, {
      wanted,
      read,
      ...caller,
      isReadCommitted: request.isolationLevel === readCommitted,
    });
  },
);

/** Who asks, and for whom. */
type Caller = { readonly context: Context; readonly replica: Replica | null };

function replicaOf({ replicaId, replicaState }: FetchRequest): Replica | null {
  // Until v14 a follower said its id elsewhere, and never its epoch; none of this cell is that old.
  if (replicaState.replicaId >= 0)
    return { brokerId: replicaState.replicaId, brokerEpoch: replicaState.replicaEpoch };
  return replicaId >= 0 ? { brokerId: replicaId, brokerEpoch: -1 } : null;
}

/** What each partition's follower has written, before anything is read for it. */
async function countFollower(
  wanted: readonly WantedPartition[],
  caller: { context: Context; replica: Replica },
): Promise<void> {
  const { context, replica } = caller;
  const { services } = context;
  const partitionOf = (each: WantedPartition) =>
    localTopic(each, caller)?.partitions[each.partition];
  const isNewer = wanted.some((each) => {
    const partition = partitionOf(each);
    return partition !== undefined && isNewerThanKnown(partition, replica);
  });
  if (isNewer) {
    await lookForUnknown(services);
    // Given up meanwhile: newer fetches of the same follower may have been counted, which this one would seem to take back.
    if (context.connection.isClosed) return;
  }
  const nowMs = services.clock.monotonicMs();
  for (const each of wanted) {
    const partition = partitionOf(each);
    if (partition === undefined || each.currentLeaderEpoch !== partition.leaderEpoch) continue;
    const { fetchOffset, lastFetchedEpoch } = each;
    const fetch = { ...replica, fetchOffset, lastFetchedEpoch };
    if (countFetch(partition, fetch, nowMs)) services.inSync.look(partition);
  }
}

/** What followers' disks need to be in the object store. No more of it than there is: of anything above the leader would never be done. */
function notePressure({ topics }: FetchRequest, replica: Replica, services: BrokerServices): void {
  for (const { topicId, partitions } of topics) {
    for (const { partition: index, currentLeaderEpoch, pressedEnd } of partitions) {
      if (pressedEnd < 0) continue;
      const partition = services.topics.local(topicId)?.partitions[index];
      if (partition?.isLeader !== true || partition.leaderEpoch !== currentLeaderEpoch) continue;
      if (followerError(partition, replica) !== "NONE") continue;
      notePressed(partition, Math.min(pressedEnd, partition.log.logEndOffset));
    }
  }
}

function localTopic(
  { topic, topicId }: { topic: string; topicId: string },
  { context: { services, clusterId, apiVersion }, replica }: Caller,
) {
  // A broker follows the topics of every cluster of the cell.
  if (replica !== null) return services.topics.local(topicId);
  return apiVersion >= firstVersionWithIds
    ? services.topics.byId(clusterId, topicId)
    : services.topics.byName(clusterId, topic);
}

async function poll(
  request: FetchRequest,
  resolved: ResolvedFetch,
  caller: Caller,
): Promise<{ readonly wanted: readonly WantedPartition[]; readonly read: FetchRead }> {
  const { context, replica } = caller;
  const session = replica === null ? null : resolved.session;
  const dirty = session?.dirty ?? null;
  const { clock, cell } = context.services;
  const { serving } = cell;
  const limits = {
    maxBytes: Math.max(0, Math.min(maxResponseBytes, request.maxBytes)),
    isReadCommitted: request.isolationLevel === readCommitted,
    serving,
    tier: context.services,
  };
  const { image } = context.services.metadata;
  const isFar = replica === null && request.rackId !== "";
  const nearer = (each: WantedPartition, partition: Partition | undefined) =>
    isFar && partition?.isLeader === true
      ? closestReplica(partition, image, { rackId: request.rackId, fetchOffset: each.fetchOffset })
      : null;
  const fetchOf = (each: WantedPartition): PartitionFetch => ({
    topic: localTopic(each, caller),
    index: each.partition,
    fetchOffset: each.fetchOffset,
    maxBytes: each.partitionMaxBytes,
    currentLeaderEpoch: each.currentLeaderEpoch,
    lastFetchedEpoch: each.lastFetchedEpoch,
    isUnknownById: context.apiVersion >= firstVersionWithIds,
    replica,
    told:
      session === null
        ? null
        : {
            highWatermark: each.sentHighWatermark,
            logStartOffset: each.sentLogStartOffset,
            tieredEnd: each.sentTieredEnd,
            packedEnd: each.sentPackedEnd,
          },
    rest:
      dirty === null || replica === null
        ? null
        : (partition, untold) => comeToRest(partition, each, { dirty, replica, untold, clock }),
    mayFollow: isFar,
    preferredReplica: nearer(each, localTopic(each, caller)?.partitions[each.partition]),
  });
  // A follower's is made anew for each look.
  let wanted = dirty === null ? [...resolved.partitions] : [];
  let fetches = wanted.map(fetchOf);
  const read = await waitForBytes({
    clock,
    // More than one response may carry would never be there. A follower waits for anything: what has been looked at is at rest, or worth an answer.
    minBytes: dirty === null ? Math.min(request.minBytes, limits.maxBytes) : 1,
    maxWaitMs: request.maxWaitMs,
    isVain: dirty === null && fetches.every(({ topic, index }) => !topic?.partitions[index]),
    read() {
      if (dirty !== null) {
        wanted = [...dirty.dirty];
        fetches = wanted.map(fetchOf);
      }
      return readPartitions(fetches, limits);
    },
    onNews: (listener) =>
      dirty === null ? onAnyChange(fetches, listener) : onDirty(dirty, listener),
    onEnd: (listener) => onEnd(context, listener),
  });
  if (dirty !== null) noteTold(dirty, wanted);
  return { wanted, read };
}

function onAnyChange(fetches: readonly PartitionFetch[], listener: () => void): () => void {
  const partitions = fetches.map(({ topic, index }) => topic?.partitions[index]);
  for (const partition of partitions) partition?.watchers.add(listener);
  return () => {
    for (const partition of partitions) partition?.watchers.delete(listener);
  };
}

function onDirty(session: DirtyPartitions, listener: () => void): () => void {
  session.onDirty = listener;
  return () => {
    if (session.onDirty === listener) session.onDirty = null;
  };
}

type Resting = {
  readonly dirty: DirtyPartitions;
  readonly replica: Replica;
  readonly untold: Untold;
  readonly clock: Clock;
};

/**
 * Until it is stirred the follower is taken to fetch the partition whenever its session does. Not before this term has counted a fetch of it: the epoch may
 * have begun while other partitions were read for this one.
 */
function comeToRest(
  partition: Partition,
  wanted: WantedPartition,
  { dirty, replica, untold, clock }: Resting,
): boolean {
  const { leaderState } = partition;
  if (leaderState === null || (untold === "highWatermark" && isDue(dirty, wanted))) return false;
  const { brokerId } = replica;
  const { fetchOffset } = wanted;
  const stirred = restFollower(leaderState, { brokerId, fetchOffset }, dirty.clock);
  if (stirred === null) return false;
  rest(dirty, wanted, partition, stirred);
  if (untold === "highWatermark") putOff(dirty, wanted, (tell) => clock.after(tellAfterMs, tell));
  return true;
}

/** Calls back once the client has gone away or this broker stops; the result takes that back. */
function onEnd({ connection, services: { stopping } }: Context, listener: () => void): () => void {
  const forgetDisconnect = connection.onDisconnect(listener);
  stopping.addEventListener("abort", listener);
  if (stopping.aborted) listener();
  return () => {
    forgetDisconnect();
    stopping.removeEventListener("abort", listener);
  };
}

type Shaping = Caller & {
  wanted: readonly WantedPartition[];
  read: FetchRead;
  isReadCommitted: boolean;
};

function shape(
  resolved: ResolvedFetch,
  { wanted, read, context, replica, isReadCommitted }: Shaping,
): Response {
  const hinted: number[] = [];
  const answers = wanted.map((each, index) => {
    const partitionRead = read.reads[index];
    if (partitionRead === undefined) throw new Error("every partition of a fetch is read");
    if (replica === null) countBytes(each, partitionRead, { context, replica });
    const leader = leaderHint(each, partitionRead, context);
    if (leader !== null) hinted.push(leader.leaderId);
    return {
      wanted: each,
      answer: {
        ...answerOf(partitionRead, leader, { partitionIndex: each.partition, isReadCommitted }),
        ...(replica === null ? {} : coldEnds(partitionRead)),
      },
    };
  });
  const { sessionId, responses } = shapeFetchResponse(resolved, answers);
  const nodeEndpoints = leaderEndpoints(context.services.metadata.image, context.clusterId, hinted);
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    sessionId,
    responses,
    ...(nodeEndpoints.length === 0 ? {} : { nodeEndpoints }),
  };
}

/** Of what consumers are given, for balancing. */
function countBytes(wanted: WantedPartition, { records }: PartitionRead, caller: Caller): void {
  const partition = localTopic(wanted, caller)?.partitions[wanted.partition];
  if (partition !== undefined && records !== null) partition.bytesOut += records.byteLength;
}

/** What only followers are told. */
const coldEnds = ({ tieredEnd, packedEnd }: PartitionRead) => ({ tieredEnd, packedEnd });

function leaderHint(wanted: WantedPartition, { error }: PartitionRead, context: Context) {
  const isMoved = error === "NOT_LEADER_OR_FOLLOWER" || error === "FENCED_LEADER_EPOCH";
  return isMoved && context.apiVersion >= 16
    ? currentLeader(localTopic(wanted, { context, replica: null }), wanted.partition)
    : null;
}

function answerOf(
  read: PartitionRead,
  leader: { leaderId: number; leaderEpoch: number } | null,
  { partitionIndex, isReadCommitted }: { partitionIndex: number; isReadCommitted: boolean },
) {
  return {
    partitionIndex,
    errorCode: errorCodes[read.error],
    highWatermark: read.highWatermark,
    lastStableOffset: read.lastStableOffset,
    logStartOffset: read.logStartOffset,
    ...(read.diverging === null ? {} : { divergingEpoch: read.diverging }),
    ...(leader === null ? {} : { currentLeader: leader }),
    // No transaction has ever been aborted here. Null is for those who read uncommitted records.
    abortedTransactions: isReadCommitted ? [] : null,
    preferredReadReplica: read.preferredReplica ?? -1,
    records: read.records ?? emptyRecords,
  };
}
