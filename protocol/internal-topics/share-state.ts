import { type Infer, recordKey, recordValue } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int64,
  int8,
  string,
  tagged,
  uuid,
  withDefault,
} from "../schema/types.ts";

// The __share_group_state topic (KIP-932): a snapshot of one share partition, and updates on top of it.
export const shareSnapshotKey = recordKey(0, { groupId: string, topicId: uuid, partition: int32 });
export type ShareSnapshotKey = Infer<typeof shareSnapshotKey>;

export const shareSnapshotValue = recordValue(
  0,
  { versions: [0, 0], flexible: 0 },
  {
    snapshotEpoch: int32,
    stateEpoch: int32,
    leaderEpoch: int32,
    startOffset: int64,
    deliveryCompleteCount: tagged(0, 0, withDefault(int32, -1)),
    createTimestamp: int64,
    writeTimestamp: int64,
    stateBatches: array({
      firstOffset: int64,
      lastOffset: int64,
      deliveryState: int8,
      deliveryCount: int16,
    }),
  },
);
export type ShareSnapshotValue = Infer<typeof shareSnapshotValue>;

export const shareUpdateKey = recordKey(1, { groupId: string, topicId: uuid, partition: int32 });
export type ShareUpdateKey = Infer<typeof shareUpdateKey>;

export const shareUpdateValue = recordValue(
  1,
  { versions: [0, 0], flexible: 0 },
  {
    snapshotEpoch: int32,
    leaderEpoch: int32,
    startOffset: int64,
    deliveryCompleteCount: tagged(0, 0, withDefault(int32, -1)),
    stateBatches: array({
      firstOffset: int64,
      lastOffset: int64,
      deliveryState: int8,
      deliveryCount: int16,
    }),
  },
);
export type ShareUpdateValue = Infer<typeof shareUpdateValue>;
