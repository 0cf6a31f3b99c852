import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int64,
  optional,
  records,
  string,
  struct,
  tagged,
  uint16,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-630. v1: directory id (KIP-853).
export const fetchSnapshotRequest = request(
  59,
  { versions: [0, 1], flexible: 0 },
  {
    clusterId: tagged(0, 0, optional(string)),
    replicaId: withDefault(int32, -1),
    maxBytes: withDefault(int32, 0x7fff_ffff),
    topics: array({
      name: string,
      partitions: array({
        partition: int32,
        currentLeaderEpoch: int32,
        snapshotId: struct({ endOffset: int64, epoch: int32 }),
        position: int64,
        replicaDirectoryId: tagged(0, 1, uuid),
      }),
    }),
  },
);
export type FetchSnapshotRequest = Infer<typeof fetchSnapshotRequest>;

export const fetchSnapshotResponse = response(
  59,
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    topics: array({
      name: string,
      partitions: array({
        index: int32,
        errorCode: int16,
        snapshotId: struct({ endOffset: int64, epoch: int32 }),
        currentLeader: tagged(0, 0, struct({ leaderId: int32, leaderEpoch: int32 })),
        size: int64,
        position: int64,
        unalignedRecords: records,
      }),
    }),
    nodeEndpoints: tagged(0, 1, array({ nodeId: int32, host: string, port: uint16 })),
  },
);
export type FetchSnapshotResponse = Infer<typeof fetchSnapshotResponse>;
