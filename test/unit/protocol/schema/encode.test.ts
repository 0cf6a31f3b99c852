import { expect, expectTypeOf, test } from "vitest";
import { decode } from "../../../../protocol/schema/decode.ts";
import { encode, encodeToBytes } from "../../../../protocol/schema/encode.ts";
import { data, type Encodable, type Infer } from "../../../../protocol/schema/message.ts";
import {
  array,
  between,
  bytes,
  int16,
  int32,
  int64,
  int8,
  nullable,
  optional,
  records,
  since,
  string,
  tagged,
  uuid,
  withDefault,
} from "../../../../protocol/schema/types.ts";

const plain = { versions: [0, 3], flexible: null } as const;
const compact = { versions: [0, 3], flexible: 0 } as const;

const message = data(compact, {
  id: int32,
  host: since(2, string),
  port: between(0, 1, withDefault(int32, 9092)),
  rack: optional(string),
  racks: nullable(array({ name: string }), 1),
  data: nullable(records),
});

test("types follow the table: decoding gives every field, encoding may leave out what has a default or a version", () => {
  expectTypeOf<Infer<typeof message>>().toEqualTypeOf<{
    id: number;
    host: string;
    port: number;
    rack: string | null;
    racks: { name: string }[] | null;
    data: Uint8Array | null;
  }>();
  const least = { id: 1, racks: [], data: { byteLength: 5 } };
  expectTypeOf<typeof least>().toExtend<Encodable<typeof message>>();
  expectTypeOf<{ id: number; racks: [] }>().not.toExtend<Encodable<typeof message>>();
});

test("fields left out go out as their defaults, fields of other versions not at all", () => {
  const value = { id: 1, host: "h", port: 1, racks: [], data: null };
  expect(decode(message, 1, encodeToBytes(message, 1, { id: 1, racks: [], data: null }))).toEqual({
    id: 1,
    host: "",
    port: 9092,
    rack: null,
    racks: [],
    data: null,
  });
  expect(decode(message, 2, encodeToBytes(message, 2, value))).toMatchObject({
    host: "h",
    port: 9092,
  });
});

test("null goes out only in versions that take it", () => {
  expect(encodeToBytes(message, 1, { id: 1, racks: null, data: null })).toBeInstanceOf(Uint8Array);
  expect(() => encodeToBytes(message, 0, { id: 1, racks: null, data: null })).toThrow("null");
});

test.each([
  [int8, 128],
  [int16, -32_769],
  [int32, 2 ** 31],
  [int32, 1.5],
  [int32, Number.NaN],
  [int64, 2 ** 53],
])("a number that does not fit its type is a bug", (type, value) => {
  expect(() => encode(data(plain, { value: type }), 0, { value })).toThrow(RangeError);
});

test("a string beyond Kafka's limit, or a uuid that is none, is a bug", () => {
  expect(() => encode(data(plain, { text: string }), 0, { text: "a".repeat(0x8000) })).toThrow(
    "string of 32768 bytes",
  );
  const withUuid = data(plain, { id: uuid });
  for (const id of ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAA!", "AAAAAAAAAAAAAAAAAAAAAAAA"]) {
    expect(() => encode(withUuid, 0, { id }), id).toThrow("no uuid");
  }
});

test("strings of every length and width come back, in both forms", () => {
  for (const options of [plain, compact]) {
    const text = data(options, { text: string });
    for (const unit of ["a", "é", "漢", "😀"]) {
      for (const count of [0, 1, 20, 21, 41, 42, 43, 62, 63, 64, 127, 128, 5_000]) {
        const value = { text: unit.repeat(count) };
        expect(decode(text, 0, encodeToBytes(text, 0, value))).toEqual(value);
      }
    }
  }
});

test("a failed encoding leaves nothing behind for the next", () => {
  const pair = data(plain, { text: string, number: int8 });
  expect(() => encode(pair, 0, { text: "left over", number: 1_000 })).toThrow();
  expect(Buffer.from(encodeToBytes(pair, 0, { text: "b", number: 1 })).toString("hex")).toBe(
    "00016201",
  );
});

test("an encoded message is not overwritten by the next", () => {
  const text = data(plain, { text: string });
  const [first] = encode(text, 0, { text: "first" }).parts;
  encode(text, 0, { text: "other" });
  expect(Buffer.from(first as Uint8Array).toString()).toContain("first");
});

test("a tagged field with large bytes is measured with them", () => {
  for (const size of [0, 1, 126, 127, 128, 1_023, 1_024, 20_000, 100_000]) {
    const blob = data(compact, { blob: tagged(3, 0, array({ part: bytes, after: int8 })) });
    const value = {
      blob: [
        { part: new Uint8Array(size).fill(7), after: 5 },
        { part: new Uint8Array(2_000), after: 6 },
      ],
    };
    const decoded = decode(blob, 0, encodeToBytes(blob, 0, value));
    expect(JSON.stringify(decoded)).toBe(
      JSON.stringify({
        blob: value.blob.map(({ part, after }) => ({ part: Buffer.from(part), after })),
      }),
    );
  }
});

test("small bytes are copied, large and external ones are handed on", () => {
  const pair = data(plain, { a: bytes, b: bytes });
  const small = new Uint8Array(10);
  expect(encode(pair, 0, { a: small, b: small }).parts).toHaveLength(1);
  const large = new Uint8Array(5_000);
  const external = { byteLength: 1 };
  expect(encode(pair, 0, { a: large, b: external }).parts).toEqual([
    expect.any(Uint8Array),
    large,
    expect.any(Uint8Array),
    external,
  ]);
  expect(() => encodeToBytes(pair, 0, { a: small, b: external })).toThrow("external bytes");
});

test("a message that outgrows what any client reads is a bug that shows, not gigabytes of memory", () => {
  const names = data(plain, { names: array(string) });
  const name = "x".repeat(0x7fff);
  const large = { names: Array.from({ length: 4_200 }, () => name) };
  expect(() => encode(names, 0, large)).toThrow(RangeError);
  expect(encode(names, 0, { names: ["a"] }).byteLength).toBe(7);
});
