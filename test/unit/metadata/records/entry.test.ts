import { deflateRawSync } from "node:zlib";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  decodeEntry,
  encodeEntry,
  entryHeader,
  hashEntry,
} from "../../../../metadata/records/entry.ts";
import {
  MetadataDecodeError,
  array,
  boolean,
  int,
  nullable,
  oneOf,
  since,
  string,
  stringMap,
  struct,
} from "../../../../metadata/records/field-types.ts";
import { partitionType } from "../../../../metadata/records/partition.ts";
import type { PartitionState } from "../../../../metadata/records/partition.ts";
import { decodeRecord, encodeRecord, recordKinds } from "../../../../metadata/records/table.ts";
import type { MetadataRecord } from "../../../../metadata/records/table.ts";
import { partitionState } from "../test-cell.ts";
import { maxMetadataEntryBytes } from "../../../../ports/metadata-log.ts";

const nonce = "0123456789abcdef".repeat(2);
const previousHash = "fedcba9876543210".repeat(2);

function entry(records: readonly MetadataRecord[]) {
  return encodeEntry({ level: 2, nonce, previousHash, records });
}

function failureOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof MetadataDecodeError) return error.code;
    throw error;
  }
  return "none";
}

describe("an entry", () => {
  test("comes back as it was written", () => {
    const records: MetadataRecord[] = [
      { kind: "controller", brokerId: null, epoch: 3 },
      { kind: "topicConfigs", topicId: "t", configs: { b: "2", a: "1", __proto__x: "" } },
      { kind: "brokerState", brokerId: 1, state: "draining", isLost: false },
    ];
    expect(decodeEntry(entry(records))).toEqual({ level: 2, nonce, previousHash, records });
  });

  test.each<[string, object]>([
    ["not a number", { kind: "level", level: NaN }],
    ["a fraction", { kind: "level", level: 1.5 }],
    ["beyond the safe integers", { kind: "level", level: 2 ** 53 }],
    ["not of the list", { kind: "brokerState", brokerId: 1, state: "asleep" }],
    ["missing", { kind: "topicPurged" }],
    ["no string", { kind: "topicConfigs", topicId: "t", configs: { a: undefined } }],
  ])("that holds what is %s is never written: nobody could read it", (_, record) => {
    expect(() => entry([record as MetadataRecord])).toThrow("cannot be written");
  });

  test("names no predecessor at genesis", () => {
    const bytes = encodeEntry({ level: 1, nonce, previousHash: "", records: [] });
    expect(entryHeader(bytes)).toEqual({ level: 1, nonce, previousHash: "" });
  });

  test("has another hash when a single bit of it is another", () => {
    const bytes = entry([]);
    const before = hashEntry(bytes);
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    expect(hashEntry(bytes)).not.toBe(before);
  });

  test("of ten thousand new partitions with three replicas on a hundred brokers fits the log", () => {
    let draw = 12345;
    const next = () => (draw = (Math.imul(draw, 1103515245) + 12345) >>> 0) >>> 16;
    const partitions = Array.from({ length: 10_000 }, (_, index): PartitionState => {
      const replicas = [next() % 100, 100 + (next() % 100), 200 + (next() % 100)];
      return partitionState({ index, replicas });
    });
    const bytes = entry([{ kind: "partitionsAdded", topicId: "t", partitions }]);
    expect(bytes.byteLength).toBeLessThan(maxMetadataEntryBytes);
  });
});

describe("what this version does not know", () => {
  test.each([
    ["a kind of record", [999, "x"]],
    ["a field of a known kind", [2, 1, "more"]],
    ["a value of a closed list", [31, 1, 7]],
  ])("%s is unknown, not ignored", (_, wire) => {
    expect(failureOf(() => decodeRecord(wire, 1))).toBe("unknown");
  });

  test("a level and a format are unknown", () => {
    for (const position of [0, 1]) {
      const bytes = entry([]);
      bytes[position] = 200;
      expect(failureOf(() => decodeEntry(bytes))).toBe("unknown");
    }
  });

  test("what a level has no place for is never written, rather than left out", () => {
    const moving = partitionState({ replicas: [1, 2], adding: [2] });
    const changed = { kind: "partitionsChanged" as const, topicId: "t", partitions: [moving] };
    const lost = { kind: "brokerState" as const, brokerId: 1, state: "fenced" as const };
    const grown = {
      kind: "topicReplication" as const,
      topicId: "t",
      requestedReplicationFactor: 2,
    };
    for (const record of [changed, { ...lost, isLost: true }, grown]) {
      expect(() => encodeRecord(record, 1)).toThrow("cannot be written at level 1");
      expect(decodeRecord(encodeRecord(record, 2), 2)).toEqual(record);
    }
    expect(encodeRecord({ ...lost, isLost: false }, 1)).toEqual([31, 1, 0]);
  });

  test("a field added at a later level is read there, and absent before it", () => {
    const fields = { name: string, colour: since(2, string, "grey") };
    const type = struct(fields);
    expect(type.encode({ name: "n", colour: "grey" }, 1)).toEqual(["n"]);
    expect(() => type.encode({ name: "n", colour: "red" }, 1)).toThrow("cannot be written");
    expect(type.encode({ name: "n", colour: "red" }, 2)).toEqual(["n", "red"]);
    expect(type.decode(["n"], 1)).toEqual({ name: "n", colour: "grey" });
    expect(type.decode(["n", "red"], 2)).toEqual({ name: "n", colour: "red" });
    expect(failureOf(() => type.decode(["n", "red"], 1))).toBe("unknown");
  });
});

describe("what no version writes", () => {
  test.each([
    ["a missing field", [2]],
    ["text for a number", [2, "1"]],
    ["a fraction", [2, 1.5]],
    ["a number beyond the exact ones", [2, 2 ** 60]],
    ["no array", "x"],
  ])("%s is corrupt", (_, wire) => {
    expect(failureOf(() => decodeRecord(wire, 1))).toBe("corrupt");
  });

  test("bytes that are not an entry are corrupt or unknown, never another failure", () => {
    const whole = entry([{ kind: "topicPurged", topicId: "t" }]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (noise, cut) => {
        expect(["corrupt", "unknown"]).toContain(failureOf(() => decodeEntry(noise)));
        const mixed = Uint8Array.from([...whole.subarray(0, 34), ...noise.subarray(0, cut)]);
        expect(["corrupt", "unknown"]).toContain(failureOf(() => decodeEntry(mixed)));
      }),
    );
  });

  test("a bomb of zeros is refused before it is unpacked", () => {
    const bomb = deflateRawSync(Buffer.alloc(80 * 1024 * 1024));
    const bytes = Buffer.concat([entry([]).subarray(0, 34), bomb]);
    expect(bytes.byteLength).toBeLessThan(maxMetadataEntryBytes);
    expect(failureOf(() => decodeEntry(bytes))).toBe("corrupt");
  });
});

test("codes and names of record kinds are each one's own", () => {
  expect(new Set(recordKinds.map(({ code }) => code)).size).toBe(recordKinds.length);
  expect(new Set(recordKinds.map(({ name }) => name)).size).toBe(recordKinds.length);
});

test("the codes that are in logs already stay what they are", () => {
  expect(Object.fromEntries(recordKinds.map(({ name, code }) => [name, code]))).toEqual({
    genesis: 1,
    level: 2,
    cellSleep: 7,
    controller: 3,
    counters: 4,
    question: 5,
    answer: 6,
    cluster: 10,
    clusterDefaults: 11,
    clusterDeleted: 12,
    epochFloor: 13,
    topic: 20,
    partitionsAdded: 21,
    partitionsChanged: 22,
    topicConfigs: 23,
    topicDeleted: 24,
    topicPurging: 25,
    topicPurged: 26,
    topicReplication: 27,
    membershipChanged: 28,
    broker: 30,
    brokerState: 31,
    brokerUnregistered: 32,
    brokerEvacuation: 33,
    producerIds: 40,
    idempotencyKey: 60,
    idempotencyExpired: 61,
  });
});

test("any partition comes back, with one array for sets that are equal", () => {
  const ids = fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { maxLength: 4 });
  const partition = fc.record({
    index: fc.nat(9_999),
    replicas: ids,
    isr: ids,
    elr: ids,
    lastIsr: ids,
    leader: fc.integer({ min: -1, max: 9 }),
    leaderEpoch: fc.nat(),
    partitionEpoch: fc.nat(),
    adding: ids,
    removing: ids,
    recoveries: fc.array(fc.record({ epoch: fc.nat(), end: fc.nat(), start: fc.nat() })),
    sealed: fc.option(fc.record({ end: fc.nat(), epoch: fc.nat() })),
  });
  fc.assert(
    fc.property(partition, (state) => {
      const wire: unknown = JSON.parse(JSON.stringify(partitionType.encode(state, 2)));
      expect(partitionType.decode(wire, 2)).toEqual(state);
    }),
  );
  const replicas = [1, 2, 3];
  const healthy = partitionState({ replicas, isr: [1, 2, 3], lastIsr: [1, 2, 3] });
  const wire = partitionType.encode(healthy, 2);
  const decoded = partitionType.decode(wire, 2);
  expect(decoded.isr).toBe(decoded.replicas);
  expect(decoded.lastIsr).toBe(decoded.replicas);
});

test("maps with dangerous names stay maps", () => {
  const wire: unknown = stringMap.encode(JSON.parse('{"__proto__":"x","a":"b"}') as never, 1);
  const decoded = stringMap.decode(wire, 1);
  expect(Object.keys(decoded)).toEqual(["__proto__", "a"]);
  expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
});

test("small types keep their values", () => {
  expect(boolean.decode(boolean.encode(true, 1), 1)).toBe(true);
  expect(nullable(int).decode(nullable(int).encode(null, 1), 1)).toBeNull();
  expect(array(int).decode(array(int).encode([3, 1], 1), 1)).toEqual([3, 1]);
  const colour = oneOf(["red", "green"]);
  expect(colour.decode(colour.encode("green", 1), 1)).toBe("green");
  const record: MetadataRecord = { kind: "topicPurged", topicId: "t" };
  expect(encodeRecord(record, 1)).toEqual([26, "t"]);
});
