import { describe, expect, test } from "vitest";
import { z } from "zod";
import { bytes, json, nullable, string } from "../../../sdk/src/codecs.ts";
import { MyelinError } from "../../../sdk/src/errors.ts";

const order = z.object({ id: z.string(), lines: z.array(z.object({ count: z.number() })) });

test("text survives, also outside ASCII", () => {
  expect(string.decode(string.encode("grün 🌿"))).toBe("grün 🌿");
});

test("text is read from a view into a larger buffer", () => {
  const large = Buffer.from("before value after");
  expect(string.decode(new Uint8Array(large.buffer, large.byteOffset + 7, 5))).toBe("value");
});

test("bytes pass as they are", () => {
  const value = new Uint8Array([0, 255, 10]);
  expect(bytes.decode(bytes.encode(value))).toBe(value);
});

describe("json", () => {
  test("survives", () => {
    const codec = json<{ a: number[] }>();
    expect(codec.decode(codec.encode({ a: [1, 2] }))).toEqual({ a: [1, 2] });
  });

  test("what is not JSON is refused with INVALID_VALUE", () => {
    const decode = () => json().decode(Buffer.from("{"));
    expect(decode).toThrow(expect.objectContaining({ code: "INVALID_VALUE" }));
  });

  test("a schema checks and types what is read", () => {
    const value = { id: "1", lines: [{ count: 2 }] };
    expect(json(order).decode(Buffer.from(JSON.stringify(value)))).toEqual(value);
  });

  test("what does not fit the schema is refused, saying where", () => {
    const wrong = Buffer.from(JSON.stringify({ id: "1", lines: [{ count: "two" }] }));
    expect(() => json(order).decode(wrong)).toThrow(/lines\.0\.count/);
  });

  test("a schema may take its time", async () => {
    const slow = order.refine(async ({ id }) => id !== "forbidden", "may not be");
    const codec = json({
      "~standard": { validate: (value) => slow["~standard"].validate(value) },
    });
    const forbidden = Buffer.from(JSON.stringify({ id: "forbidden", lines: [] }));
    await expect(Promise.resolve(codec.decode(forbidden))).rejects.toThrow(/may not be/);
  });
});

describe("nullable", () => {
  test("a missing value reads as null, another as by the codec within", () => {
    const codec = nullable(string);
    expect(codec.decodeNull?.()).toBeNull();
    expect(codec.decode(codec.encode("x"))).toBe("x");
  });

  test("null is not encoded: it is the absence of a value", () => {
    expect(() => nullable(string).encode(null)).toThrow(MyelinError);
  });
});
