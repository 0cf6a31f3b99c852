import { expect, test } from "vitest";
import {
  isControlAt,
  isCrcValidAt,
  isTransactionalAt,
  producerEpochAt,
  producerIdAt,
  stampBaseOffset,
} from "../../../../protocol/records/batch.ts";
import { buildBatch } from "../../../../protocol/records/build.ts";
import {
  buildLeaderChange,
  buildTransactionMarker,
  controlRecordAt,
} from "../../../../protocol/records/control.ts";
import { javaCommitMarker, javaLeaderChange } from "./java-batches.ts";

const marker = {
  producerId: 77,
  producerEpoch: 3,
  coordinatorEpoch: 12,
  timestamp: 1_700_000_000_000,
};

test("reads the Java broker's commit marker", () => {
  const bytes = Buffer.from(javaCommitMarker, "base64");
  expect([isControlAt(bytes, 0), isTransactionalAt(bytes, 0)]).toEqual([true, true]);
  expect([producerIdAt(bytes, 0), producerEpochAt(bytes, 0)]).toEqual([77, 3]);
  expect(controlRecordAt(bytes, 0)).toEqual({ kind: "commit", coordinatorEpoch: 12 });
});

test("writes markers that read back, of either kind", () => {
  for (const type of ["commit", "abort"] as const) {
    const bytes = buildTransactionMarker({ type, ...marker });
    expect(isCrcValidAt(bytes, 0)).toBe(true);
    expect([isControlAt(bytes, 0), isTransactionalAt(bytes, 0)]).toEqual([true, true]);
    expect([producerIdAt(bytes, 0), producerEpochAt(bytes, 0)]).toEqual([77, 3]);
    expect(controlRecordAt(bytes, 0)).toEqual({ kind: type, coordinatorEpoch: 12 });
  }
});

test("writes the leader change the Java broker writes, byte for byte", () => {
  const bytes = buildLeaderChange({
    leaderId: 2,
    leaderEpoch: 4,
    voters: [1, 2],
    grantingVoters: [2],
    timestamp: 1_700_000_000_000,
  });
  stampBaseOffset(bytes, 0, 5);
  expect(Buffer.from(bytes).toString("base64")).toBe(javaLeaderChange);
  expect(controlRecordAt(bytes, 0)).toEqual({ kind: "other", type: 2 });
});

test.each([
  ["no key", null, Buffer.alloc(6)],
  ["a key cut off", Buffer.alloc(3), Buffer.alloc(6)],
  ["a marker without a value", Buffer.alloc(4), null],
  ["a marker without its coordinator epoch", Buffer.alloc(4), Buffer.alloc(5)],
])("a control batch with %s is corrupt", (_, key, value) => {
  const bytes = buildBatch([{ key, value, timestamp: 0 }], { isControl: true });
  expect(controlRecordAt(bytes, 0).kind).toBe("corruptInput");
});
