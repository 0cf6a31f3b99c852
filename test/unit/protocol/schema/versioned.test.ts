import { expect, test } from "vitest";
import {
  offsetCommitKey,
  offsetCommitValue,
} from "../../../../protocol/internal-topics/classic-group.ts";
import { endTxnMarker } from "../../../../protocol/internal-topics/control-records.ts";
import { consumerProtocolSubscription } from "../../../../protocol/messages/consumer-protocol.ts";
import { DecodeError } from "../../../../protocol/schema/decode-error.ts";
import {
  decodeRecordKey,
  decodeVersioned,
  encodeRecordKey,
  encodeVersioned,
  recordTypeOf,
} from "../../../../protocol/schema/versioned.ts";

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

const key = { group: "g", topic: "t", partition: 2 };

test("a record key begins with its type, by which it is read", () => {
  const bytes = encodeRecordKey(offsetCommitKey, key);
  expect(hexOf(bytes)).toBe("0001 0001 67 0001 74 00000002".replaceAll(" ", ""));
  expect(recordTypeOf(bytes)).toBe(offsetCommitKey.key);
  expect(decodeRecordKey(offsetCommitKey, bytes)).toEqual(key);
});

test("a record value begins with its version", () => {
  const value = { offset: 5, metadata: "m", commitTimestamp: 9 };
  const bytes = encodeVersioned(offsetCommitValue, 3, value);
  expect(hexOf(bytes)).toBe("00030000000000000005ffffffff00016d0000000000000009");
  expect(decodeVersioned(offsetCommitValue, bytes)).toMatchObject({ version: 3, value });
});

test("the value of a transaction marker is its version and the coordinator's epoch", () => {
  expect(hexOf(encodeVersioned(endTxnMarker, 0, { coordinatorEpoch: 258 }))).toBe("000000000102");
});

test("a version nobody knows is a DecodeError, unless it may be read as the newest", () => {
  const subscription = {
    topics: ["t"],
    userData: null,
    ownedPartitions: [],
    generationId: 4,
    rackId: "r",
  };
  const bytes = Buffer.from(encodeVersioned(consumerProtocolSubscription, 3, subscription));
  bytes.writeInt16BE(9, 0);
  const newer = Buffer.concat([bytes, Buffer.from("more")]);
  expect(decodeVersioned(consumerProtocolSubscription, newer)).toBeInstanceOf(DecodeError);
  expect(decodeVersioned(consumerProtocolSubscription, newer, { newer: "readAsNewest" })).toEqual({
    version: 9,
    value: subscription,
  });
  bytes.writeInt16BE(-1, 0);
  expect(
    decodeVersioned(consumerProtocolSubscription, bytes, { newer: "readAsNewest" }),
  ).toBeInstanceOf(DecodeError);
});

test("bytes too short for a version are a DecodeError", () => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(1)]) {
    expect(decodeVersioned(offsetCommitValue, bytes)).toBeInstanceOf(DecodeError);
    expect(recordTypeOf(bytes)).toBeInstanceOf(DecodeError);
    expect(decodeRecordKey(offsetCommitKey, bytes)).toBeInstanceOf(DecodeError);
  }
});
