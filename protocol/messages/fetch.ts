import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  int16,
  int32,
  int64,
  int64Max,
  int8,
  nullable,
  optional,
  records,
  since,
  string,
  struct,
  tagged,
  uuid,
  withDefault,
} from "../schema/types.ts";

// v3: limit over all partitions, served in the order asked (KIP-74). v4: isolation level, record format 2 (KIP-98). v5: log start offset of followers
// (KIP-107). v7: sessions (KIP-227). v9: leader epoch (KIP-320). v10: zstd (KIP-110). v11: rack, fetching from followers (KIP-392). v12: flexible, last
// fetched epoch and divergence (KIP-595). v13: topic ids (KIP-516). v14: moved to tiered storage (KIP-405). v15: broker epoch of followers (KIP-903).
// v16: new leaders with the error (KIP-951). v17: directory ids (KIP-853). v18: high watermark of the follower (KIP-1166).
export const fetchRequest = request(
  1,
  { versions: [0, 18], flexible: 12 },
  {
    clusterId: tagged(0, 12, optional(string)),
    replicaId: between(0, 14, withDefault(int32, -1)),
    replicaState: tagged(
      1,
      15,
      struct({
        replicaId: withDefault(int32, -1),
        replicaEpoch: withDefault(int64, -1),
      }),
    ),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: since(3, withDefault(int32, 0x7fff_ffff)),
    isolationLevel: since(4, withDefault(int8, 0)),
    sessionId: since(7, withDefault(int32, 0)),
    sessionEpoch: since(7, withDefault(int32, -1)),
    topics: array({
      topic: between(0, 12, string),
      topicId: since(13, uuid),
      partitions: array({
        partition: int32,
        currentLeaderEpoch: since(9, withDefault(int32, -1)),
        fetchOffset: int64,
        lastFetchedEpoch: since(12, withDefault(int32, -1)),
        logStartOffset: since(5, withDefault(int64, -1)),
        partitionMaxBytes: int32,
        replicaDirectoryId: tagged(0, 17, uuid),
        highWatermark: tagged(1, 18, withDefault(int64, int64Max)),
      }),
    }),
    forgottenTopicsData: since(
      7,
      array({
        topic: between(7, 12, string),
        topicId: since(13, uuid),
        partitions: array(int32),
      }),
    ),
    rackId: since(11, withDefault(string, "")),
  },
);
export type FetchRequest = Infer<typeof fetchRequest>;

// Tags 0-2 of a partition answer followers and lost leaders: they are absent while they hold their defaults.
export const fetchResponse = response(
  1,
  { versions: [0, 18], flexible: 12 },
  {
    throttleTimeMs: since(1, int32),
    errorCode: since(7, int16),
    sessionId: since(7, withDefault(int32, 0)),
    responses: array({
      topic: between(0, 12, string),
      topicId: since(13, uuid),
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        highWatermark: int64,
        lastStableOffset: since(4, withDefault(int64, -1)),
        logStartOffset: since(5, withDefault(int64, -1)),
        divergingEpoch: tagged(
          0,
          12,
          struct({
            epoch: withDefault(int32, -1),
            endOffset: withDefault(int64, -1),
          }),
        ),
        currentLeader: tagged(
          1,
          12,
          struct({
            leaderId: withDefault(int32, -1),
            leaderEpoch: withDefault(int32, -1),
          }),
        ),
        snapshotId: tagged(
          2,
          12,
          struct({
            endOffset: withDefault(int64, -1),
            epoch: withDefault(int32, -1),
          }),
        ),
        abortedTransactions: since(4, nullable(array({ producerId: int64, firstOffset: int64 }))),
        preferredReadReplica: since(11, withDefault(int32, -1)),
        records: nullable(records),
      }),
    }),
    nodeEndpoints: tagged(
      0,
      16,
      array({
        nodeId: int32,
        host: string,
        port: int32,
        rack: optional(string),
      }),
    ),
  },
);
export type FetchResponse = Infer<typeof fetchResponse>;
