import { expect, test } from "vitest";
import { defaultGroupConfig } from "../../../../broker/groups/group-config.ts";
import { decodeEntry, encodeEntry } from "../../../../broker/groups/records.ts";
import type { GroupEntry, KeptOffset } from "../../../../broker/groups/kept.ts";
import { zeroUuid } from "../../../../protocol/schema/types.ts";

const offset: KeptOffset = {
  offset: 12_345_678_901,
  leaderEpoch: 7,
  metadata: "note",
  commitTimestamp: 1_700_000_000_000,
  expireTimestamp: -1,
  topicId: "AAAAAAAAAAAAAAAAAAAAAQ",
};
const where = { type: "offset", groupKey: "cluster:group", topic: "orders", partition: 3 } as const;

const group: GroupEntry = {
  type: "group",
  groupKey: "cluster:group",
  value: {
    protocolType: "consumer",
    generation: 5,
    protocol: "range",
    leader: "m-1",
    currentStateTimestamp: 1_700_000_000_000,
    members: [
      {
        memberId: "m-1",
        groupInstanceId: "i-1",
        clientId: "client",
        clientHost: "/127.0.0.1",
        rebalanceTimeout: 60_000,
        sessionTimeout: 10_000,
        subscription: Uint8Array.of(1, 2, 3),
        assignment: Uint8Array.of(4),
      },
    ],
  },
};

test.each<[string, GroupEntry]>([
  ["an offset", { ...where, value: offset }],
  ["a deleted offset", { ...where, value: null }],
  ["a group", group],
  ["a deleted group", { type: "group", groupKey: "cluster:group", value: null }],
])("%s comes back from its record", (_case, entry) => {
  expect(decodeEntry(encodeEntry(entry))).toEqual(entry);
});

test("an offset with an expiry of its own is written in the version that has one", () => {
  const value = {
    ...offset,
    expireTimestamp: 1_700_000_100_000,
    leaderEpoch: -1,
    topicId: zeroUuid,
  };
  const record = encodeEntry({ ...where, value });
  expect(Buffer.from(record.value ?? []).readInt16BE(0)).toBe(1);
  expect(decodeEntry(record)).toEqual({ ...where, value });
});

test("records are Kafka's, byte for byte: type and version first", () => {
  const { key, value } = encodeEntry({
    ...where,
    partition: 1,
    value: { ...offset, offset: 2, metadata: "" },
  });
  const text = (s: string) =>
    `${Buffer.from([0, s.length]).toString("hex")}${Buffer.from(s).toString("hex")}`;
  expect(Buffer.from(key).toString("hex")).toBe(
    `0001${text("cluster:group")}${text("orders")}00000001`,
  );
  // v4: offset, leader epoch, compact metadata, timestamp, one tagged field 0 of 16 bytes: the topic id.
  const timestamp = Buffer.alloc(8);
  timestamp.writeBigInt64BE(1_700_000_000_000n);
  expect(Buffer.from(value ?? []).toString("hex")).toBe(
    `0004${"0000000000000002"}${"00000007"}01${timestamp.toString("hex")}010010${"0".repeat(31)}1`,
  );
});

test("records of the oldest kind are read", () => {
  const key = Buffer.from("0000" + "0001" + "67" + "0001" + "74" + "00000002", "hex");
  const value = Buffer.from("0000" + "000000000000002a" + "0000" + "00000000000003e8", "hex");
  expect(decodeEntry({ key, value })).toEqual({
    type: "offset",
    groupKey: "g",
    topic: "t",
    partition: 2,
    value: {
      offset: 42,
      metadata: "",
      commitTimestamp: 1_000,
      leaderEpoch: -1,
      expireTimestamp: -1,
      topicId: zeroUuid,
    },
  });
});

test.each([
  ["an unknown type", Buffer.from("0063", "hex"), null],
  ["an empty key", Buffer.alloc(0), null],
  ["a cut key", Buffer.from("000200056162", "hex"), null],
  ["an unknown version", Buffer.from("0002000161", "hex"), Buffer.from("0063", "hex")],
  ["a cut value", Buffer.from("0002000161", "hex"), Buffer.from("000300", "hex")],
])("%s is refused aloud", (_case, key, value) => {
  expect(() => decodeEntry({ key, value })).toThrow("__consumer_offsets");
});

test("the longest metadata a client may keep fits in a record", () => {
  const metadata = "\u20ac".repeat(defaultGroupConfig.offsetMetadataMaxBytes);
  const entry = { ...where, value: { ...offset, metadata } };
  expect(decodeEntry(encodeEntry(entry))).toEqual(entry);
});
