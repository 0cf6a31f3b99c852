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

// What control batches carry, written by brokers among the records of a partition.

// The key of a control record, behind version 0: 0 abort, 1 commit (KIP-98), 2 leader change, 3 and 4 snapshot header and footer, 5 and 6 KRaft
// version and voters.
export const controlRecordTypeSchema = data({ versions: [0, 0], flexible: null }, { type: int16 });
export type ControlRecordTypeSchema = Infer<typeof controlRecordTypeSchema>;

// The value of a commit or abort marker, behind its version.
export const endTxnMarker = data({ versions: [0, 0], flexible: null }, { coordinatorEpoch: int32 });
export type EndTxnMarker = Infer<typeof endTxnMarker>;

const voter = struct({ voterId: int32, voterDirectoryId: since(1, uuid) });

// KIP-595. v1: voter directory ids (KIP-853).
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
  { version: int16, lastContainedLogTimestamp: int64 },
);
export type SnapshotHeaderRecord = Infer<typeof snapshotHeaderRecord>;

export const snapshotFooterRecord = data({ versions: [0, 0], flexible: 0 }, { version: int16 });
export type SnapshotFooterRecord = Infer<typeof snapshotFooterRecord>;

export const kRaftVersionRecord = data(
  { versions: [0, 0], flexible: 0 },
  { version: int16, kRaftVersion: int16 },
);
export type KRaftVersionRecord = Infer<typeof kRaftVersionRecord>;

export const votersRecord = data(
  { versions: [0, 0], flexible: 0 },
  {
    version: int16,
    voters: array({
      voterId: int32,
      voterDirectoryId: uuid,
      endpoints: array({ name: string, host: string, port: uint16 }),
      kRaftVersionFeature: struct({ minSupportedVersion: int16, maxSupportedVersion: int16 }),
    }),
  },
);
export type VotersRecord = Infer<typeof votersRecord>;
