import fc from "fast-check";
import { expect, test } from "vitest";
import { decode } from "../../../../protocol/schema/decode.ts";
import { encodeToBytes } from "../../../../protocol/schema/encode.ts";
import { data } from "../../../../protocol/schema/message.ts";
import { string } from "../../../../protocol/schema/types.ts";

const named = data({ versions: [0, 0], flexible: null }, { name: string });

const sent = (name: string): unknown => decode(named, 0, encodeToBytes(named, 0, { name }));

test("a name is read as it was sent, however often and whatever names come in between", () => {
  const name = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.string({ unit: "grapheme", maxLength: 40 }),
    // Names that differ in a character or two, and many of them: they meet in one place.
    fc
      .tuple(fc.constantFrom("a", "b", "\u00e9"), fc.nat(2000))
      .map(([from, to]) => `${from}-${to}-x`),
  );
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 30 }), (names) => {
      for (const each of [...names, ...names]) expect(sent(each)).toEqual({ name: each });
    }),
    { numRuns: 500 },
  );
});

test("bytes that are no UTF-8 are not taken for a name of the same length", () => {
  const bytes = (...text: number[]): Uint8Array => Uint8Array.of(0, text.length, ...text);
  expect(decode(named, 0, bytes(0x61, 0xff, 0x62))).toEqual({ name: "a\ufffdb" });
  expect(sent("a\ufffdb")).toEqual({ name: "a\ufffdb" });
  expect(decode(named, 0, bytes(0x61, 0xff, 0x62))).toEqual({ name: "a\ufffdb" });
});
