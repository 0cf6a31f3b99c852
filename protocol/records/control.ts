import assert from "node:assert";
import { batchHeaderBytes, batchSizeAt, isControlAt, recordCountAt } from "./batch.ts";
import { int16At, int32At, putInt16, putInt32 } from "./big-endian.ts";
import { buildBatch } from "./build.ts";
import { forEachRecord, recordKey, recordValue } from "./records.ts";

// Control batches hold one record, uncompressed: key {version int16, type int16}, value by type. Consumers skip them; they occupy an offset.

const controlType = { abort: 0, commit: 1, leaderChange: 2 } as const;

export type TransactionMarker = {
  readonly type: "commit" | "abort";
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Epoch of the transaction coordinator that decided; an older one's marker is refused. */
  readonly coordinatorEpoch: number;
  readonly timestamp: number;
};

/** The marker that ends a producer's transaction in one partition (KIP-98). */
export const buildTransactionMarker = (marker: TransactionMarker): Uint8Array => {
  const value = Buffer.allocUnsafe(6);
  putInt16(value, 0, 0);
  putInt32(value, 2, marker.coordinatorEpoch);
  return buildBatch(
    [{ key: controlKey(controlType[marker.type]), value, timestamp: marker.timestamp }],
    {
      producerId: marker.producerId,
      producerEpoch: marker.producerEpoch,
      isTransactional: true,
      isControl: true,
    },
  );
};

export type LeaderChange = {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly voters: readonly number[];
  readonly grantingVoters: readonly number[];
  readonly timestamp: number;
};

/** The first batch of a leader's epoch (KIP-595): LeaderChangeMessage version 0, flexible. */
export const buildLeaderChange = (change: LeaderChange): Uint8Array => {
  // Version 0 and the leader, two compact arrays of {voter id, no tags}, no tags.
  assert(change.voters.length < 127 && change.grantingVoters.length < 127, "a quorum is small");
  const value = Buffer.alloc(6 + 5 * (change.voters.length + change.grantingVoters.length) + 3);
  putInt32(value, 2, change.leaderId);
  let at = 6;
  for (const voters of [change.voters, change.grantingVoters]) {
    value[at++] = voters.length + 1;
    for (const voter of voters) {
      putInt32(value, at, voter);
      at += 5;
    }
  }
  return buildBatch(
    [{ key: controlKey(controlType.leaderChange), value, timestamp: change.timestamp }],
    { leaderEpoch: change.leaderEpoch, isControl: true },
  );
};

const controlKey = (type: number): Uint8Array => {
  const key = Buffer.allocUnsafe(4);
  putInt16(key, 0, 0);
  putInt16(key, 2, type);
  return key;
};

/** `other`: leader changes and types later Kafkas add, which mean nothing to producer state. */
export type ControlRecord =
  | { readonly kind: "commit" | "abort"; readonly coordinatorEpoch: number }
  | { readonly kind: "other"; readonly type: number }
  | { readonly kind: "corruptInput"; readonly message: string };

/** What the control batch at `at` says (its header has passed `batchFailureAt`, and `isControlAt` is true). */
export const controlRecordAt = (bytes: Uint8Array, at: number): ControlRecord => {
  assert(isControlAt(bytes, at), "a control batch");
  const payload = bytes.subarray(at + batchHeaderBytes, at + batchSizeAt(bytes, at));
  let found: ControlRecord = { kind: "corruptInput", message: "a control batch without a record" };
  const failure = forEachRecord(
    payload,
    { count: recordCountAt(bytes, at), offsets: "ascending" },
    (record) => {
      found = readControl(recordKey(payload, record), recordValue(payload, record));
    },
  );
  return failure ?? found;
};

const readControl = (key: Uint8Array | null, value: Uint8Array | null): ControlRecord => {
  if (key === null || key.length < 4) return { kind: "corruptInput", message: "no control key" };
  const type = int16At(key, 2);
  if (type !== controlType.commit && type !== controlType.abort) return { kind: "other", type };
  // Later versions of the marker append fields: what is read here stays where it is.
  if (value === null || value.length < 6) {
    return { kind: "corruptInput", message: "a transaction marker without a coordinator epoch" };
  }
  return {
    kind: type === controlType.commit ? "commit" : "abort",
    coordinatorEpoch: int32At(value, 2),
  };
};
