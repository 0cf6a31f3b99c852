import { expect, test } from "vitest";
import { stampLogAppendTime } from "../../../../protocol/records/batch.ts";
import { buildBatch } from "../../../../protocol/records/build.ts";
import { decodeBatch } from "../../../../protocol/records/decode.ts";
import { javaBatches, javaLargeBatches } from "./java-batches.ts";

const recordsOf = (bytes: Uint8Array, maxBytes = 1 << 20) => {
  const decoded = decodeBatch(bytes, 0, maxBytes);
  if (decoded.kind !== "decoded") throw new Error(decoded.message);
  return decoded.records;
};
const string = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString();

test.each(Object.entries(javaBatches))("decodes the Java client's records with %s", (_, base64) => {
  const records = recordsOf(Buffer.from(base64, "base64"));
  expect(
    records.map(({ key, value, timestamp, offset }) => [
      string(key),
      string(value),
      timestamp,
      offset,
    ]),
  ).toEqual([
    ["key", "value", 1_700_000_000_000, 0],
    [null, "no key".repeat(20), 1_699_999_999_000, 1],
    ["tombstone", null, 1_700_000_005_000, 2],
  ]);
  expect(records[0]!.headers.map(({ key, value }) => [key, string(value)])).toEqual([
    ["h", "x"],
    ["n", null],
  ]);
});

test.each(Object.entries(javaLargeBatches))(
  "decodes several blocks of the Java client's %s",
  (_, base64) => {
    const [record] = recordsOf(Buffer.from(base64, "base64"));
    expect(record!.value!.length).toBe(150_000);
    expect(
      record!.value!.every((byte, index) => byte === 97 + (Math.floor(index / 1000) % 26)),
    ).toBe(true);
  },
);

test("every record of a LogAppendTime batch has the time of the append", () => {
  const batch = buildBatch([
    { key: null, value: null, timestamp: 5 },
    { key: null, value: null, timestamp: 9 },
  ]);
  stampLogAppendTime(batch, 0, 1000);
  expect(recordsOf(batch).map(({ timestamp }) => timestamp)).toEqual([1000, 1000]);
});

test("records that decompress past the bound are not decoded", () => {
  const batch = buildBatch([{ key: null, value: Buffer.alloc(10_000), timestamp: 0 }], {
    codec: "gzip",
  });
  expect(decodeBatch(batch, 0, 9_999)).toMatchObject({ kind: "tooLarge" });
});

test("an unknown codec and records that are no records are corrupt input", () => {
  const unknown = buildBatch([{ key: null, value: null, timestamp: 0 }]);
  unknown[22] = 6;
  expect(decodeBatch(unknown, 0, 1000)).toMatchObject({ kind: "corruptInput" });
  const broken = buildBatch([{ key: null, value: null, timestamp: 0 }]);
  broken[61] = 0x7f;
  expect(decodeBatch(broken, 0, 1000)).toMatchObject({ kind: "corruptInput" });
});
