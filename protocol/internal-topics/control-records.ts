import { data, type Infer } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int64,
  since,
  string,
  struct,
  uint16,
  uuid,
} from "../schema/types.ts";

export const controlRecordTypeSchema = data(
  { versions: [0, 0], flexible: null },
  {
    type: int16,
  },
);
export type ControlRecordTypeSchema = Infer<typeof controlRecordTypeSchema>;

export const endTxnMarker = data(
  { versions: [0, 0], flexible: null },
  {
    coordinatorEpoch: int32,
  },
);
export type EndTxnMarker = Infer<typeof endTxnMarker>;

const voter = struct({
  voterId: int32,
  voterDirectoryId: since(1, uuid),
});

export const leaderChangeMessage = data(
  { versions: [0, 1], flexible: 0 },
  {
    version: int16,
    leaderId: int32,
    voters: array(voter),
    grantingVoters: array(voter),
  },
);
export type LeaderChangeMessage = Infer<typeof leaderChangeMessage>;

export const snapshotHeaderRecord = data(
  { versions: [0, 0], flexible: 0 },
  {
    version: int16,
    lastContainedLogTimestamp: int64,
  },
);
export type SnapshotHeaderRecord = Infer<typeof snapshotHeaderRecord>;

export const snapshotFooterRecord = data(
  { versions: [0, 0], flexible: 0 },
  {
    version: int16,
  },
);
export type SnapshotFooterRecord = Infer<typeof snapshotFooterRecord>;

export const kRaftVersionRecord = data(
  { versions: [0, 0], flexible: 0 },
  {
    version: int16,
    kRaftVersion: int16,
  },
);
export type KRaftVersionRecord = Infer<typeof kRaftVersionRecord>;

export const votersRecord = data(
  { versions: [0, 0], flexible: 0 },
  {
    version: int16,
    voters: array({
      voterId: int32,
      voterDirectoryId: uuid,
      endpoints: array({
        name: string,
        host: string,
        port: uint16,
      }),
      kRaftVersionFeature: struct({
        minSupportedVersion: int16,
        maxSupportedVersion: int16,
      }),
    }),
  },
);
export type VotersRecord = Infer<typeof votersRecord>;
