import { describe, expect, test } from "vitest";
import { DecodeError } from "../../../../protocol/schema/decode-error.ts";
import { decode, decodeAt } from "../../../../protocol/schema/decode.ts";
import { encodeToBytes } from "../../../../protocol/schema/encode.ts";
import { data, type Infer, type Message } from "../../../../protocol/schema/message.ts";
import {
  array,
  bytes,
  float64,
  int16,
  int32,
  int64,
  int64Max,
  nullable,
  string,
  struct,
  tagged,
  uint16,
  uint32,
  uuid,
  withDefault,
} from "../../../../protocol/schema/types.ts";

const plain = { versions: [0, 0], flexible: null } as const;
const compact = { versions: [0, 0], flexible: 0 } as const;

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ""), "hex");
}

function failure<D, E>(message: Message<D, E>, text: string): string {
  const decoded = decode(message, 0, hex(text));
  return decoded instanceof DecodeError ? decoded.message : `decoded ${JSON.stringify(decoded)}`;
}

describe("a DecodeError names the field and the byte", () => {
  const orders = data(plain, {
    orders: array({ id: int32, lines: array({ name: string }), tags: array(int16) }),
    place: struct({ x: int16 }),
  });

  test("inside arrays of structs", () => {
    expect(failure(orders, "00000002 00000001 00000000 00000000 00000002 00000001 0005 6162")).toBe(
      "orders[1].lines[0].name: length 5 with 2 bytes left (byte 26)",
    );
  });

  test("in an element that is no struct, and in a struct that is no element", () => {
    expect(failure(orders, "00000001 00000001 00000000 00000002 0001 00")).toBe(
      "orders[0].tags: array of 2 with 3 bytes and 999999 elements left (byte 16)",
    );
    expect(failure(orders, "00000000 00")).toBe(
      "place.x: the input ends inside the value (byte 4)",
    );
  });

  test("behind the message", () => {
    expect(failure(orders, "00000000 0001 ff")).toBe(
      "message: 1 bytes behind the message (byte 6)",
    );
  });
});

describe("lengths", () => {
  const text = data(plain, { text: string });
  const maybe = data(plain, { text: nullable(string) });
  const blob = data(compact, { blob: bytes });

  test("null is refused where the field takes none", () => {
    expect(failure(text, "ffff")).toContain("text: null");
    expect(failure(blob, "00 00")).toContain("blob: null");
    expect(failure(maybe, "ffff")).toBe('decoded {"text":null}');
  });

  test("below -1 is no length", () => {
    expect(failure(maybe, "fffe")).toContain("negative length -2");
  });

  test("a varint of more than 32 bits is refused, one of five bytes is not", () => {
    expect(failure(blob, "ff ff ff ff 1f")).toContain("varint longer");
    expect(failure(blob, "80 80 80 80 80 01")).toContain("varint longer");
    expect(failure(blob, "ff ff ff ff 0f")).toContain("length 4294967294 with 0 bytes");
    expect(failure(blob, "82 80 80 80 00 61 00")).toContain("decoded");
  });

  test("strings have Kafka's limit of 32767 bytes in compact form too", () => {
    const short = data(compact, { text: string });
    const body = Buffer.alloc(0x8000, "a");
    expect(decode(short, 0, Buffer.concat([hex("81 80 02"), body, hex("00")]))).toBeInstanceOf(
      DecodeError,
    );
    expect(decode(short, 0, Buffer.concat([hex("80 80 02"), body.subarray(1), hex("00")]))).toEqual(
      {
        text: "a".repeat(0x7fff),
      },
    );
  });

  test("what decodes can be encoded again, even a long string that is no UTF-8", () => {
    const invalid = Buffer.concat([hex("7fff"), Buffer.alloc(0x7fff, 0xff)]);
    expect(decode(text, 0, invalid)).toBeInstanceOf(DecodeError);
    const short = decode(text, 0, hex("0003 61ff62"));
    expect(short).toEqual({ text: "a\uFFFDb" });
  });
});

describe("memory", () => {
  const nested = data(compact, { groups: array({ names: array(string) }) });

  test("an array longer than the bytes left fails before an element is read", () => {
    expect(failure(nested, "ff ff ff ff 0f 01 00")).toContain("groups: length");
    const wide = data(plain, { ids: array(uuid) });
    expect(failure(wide, `00000002 ${"00".repeat(31)}`)).toContain("ids: array of 2 with 31 bytes");
  });

  test("nested arrays cannot multiply past the limit on elements", () => {
    const groups = 100_000;
    const count = Buffer.from([0xa1, 0x8d, 0x06]);
    const hostile = Buffer.concat([count, Buffer.alloc(groups * 2, hex("01 00")), hex("00")]);
    expect(decode(nested, 0, hostile)).toMatchObject({ groups: { length: groups } });
    expect(decode(nested, 0, hostile, { maxElements: groups - 1 })).toBeInstanceOf(DecodeError);
  });
});

describe("64 bits", () => {
  const offset = data(plain, { offset: int64 });

  test("are read to the edges of safe integers and refused beyond", () => {
    expect(decode(offset, 0, hex("001ffffffffffffe"))).toEqual({ offset: 2 ** 53 - 2 });
    expect(decode(offset, 0, hex("ffe0000000000001"))).toEqual({ offset: -(2 ** 53 - 1) });
    expect(decode(offset, 0, hex("ffffffff00000000"))).toEqual({ offset: -(2 ** 32) });
    expect(failure(offset, "0020000000000000")).toContain("64-bit value beyond 2^53");
    expect(failure(offset, "8000000000000000")).toContain("64-bit value beyond 2^53");
  });

  test("Java's largest long is a value of its own", () => {
    expect(decode(offset, 0, hex("7fffffffffffffff"))).toEqual({ offset: int64Max });
    expect(encodeToBytes(offset, 0, { offset: int64Max })).toEqual(
      Uint8Array.from(hex("7fffffffffffffff")),
    );
  });
});

describe("tagged fields", () => {
  const message = data(compact, {
    id: int16,
    rack: tagged(0, 0, withDefault(nullable(string), null)),
    limits: tagged(5, 0, struct({ low: withDefault(int32, -1), high: withDefault(int32, -1) })),
  });
  const absent: Infer<typeof message> = { id: 1, rack: null, limits: { low: -1, high: -1 } };

  test("absent ones have their defaults, fresh for every message", () => {
    const first = decode(message, 0, hex("0001 00"));
    expect(first).toEqual(absent);
    if (first instanceof DecodeError) throw first;
    first.limits.low = 7;
    expect(decode(message, 0, hex("0001 00"))).toEqual(absent);
  });

  test("must fill exactly the size they claim", () => {
    expect(failure(message, "0001 01 00 04 02 61 00 00")).toContain(
      "rack: tagged field of 4 bytes",
    );
    expect(failure(message, "0001 01 00 01 02 61")).toContain("rack: length 1 with 0 bytes left");
    expect(failure(message, "0001 01 00 7f 02 61")).toContain("tagged field 0 of 127 bytes");
  });

  test("more of them than bytes ends at the first that is missing", () => {
    expect(failure(message, "0001 ff ff ff ff 0f 09 00 09 00")).toContain("the input ends");
  });
});

test("unsigned and floating numbers keep their sign and fraction", () => {
  const numbers = data(plain, { port: uint16, crc: uint32, share: float64 });
  expect(decode(numbers, 0, hex("ffff ffffffff 3ff8000000000000"))).toEqual({
    port: 65_535,
    crc: 2 ** 32 - 1,
    share: 1.5,
  });
});

test("a message in the middle of bytes is read from its offset, and says where it ended", () => {
  const text = data(plain, { text: string });
  const input = hex("ffff 0001 61 ff");
  expect(decodeAt(text, 0, input, { offset: 2, trailing: "ignore" })).toEqual({
    value: { text: "a" },
    end: 5,
  });
});

test("a plain Uint8Array that is a window on a larger buffer is read within its bounds", () => {
  const text = data(plain, { text: string });
  const window = new Uint8Array(Uint8Array.from(hex("ff 0001 61 62")).buffer, 1, 3);
  expect(decode(text, 0, window)).toEqual({ text: "a" });
});

test("a version the message does not have is a bug, not bad input", () => {
  const text = data(plain, { text: string });
  expect(() => decode(text, 1, hex("0001 61"))).toThrow(RangeError);
});
