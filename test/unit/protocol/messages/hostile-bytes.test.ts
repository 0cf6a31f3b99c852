import fc from "fast-check";
import { expect, test } from "vitest";
import { decode } from "../../../../protocol/schema/decode.ts";
import { DecodeError } from "../../../../protocol/schema/decode-error.ts";
import { encodeToBytes } from "../../../../protocol/schema/encode.ts";
import type { Message } from "../../../../protocol/schema/message.ts";
import { allMessages, versionsOf } from "./all-messages.ts";
import { arbitraryStruct } from "./arbitrary-message.ts";

// Whatever the bytes, decoding returns: a value no larger than its bytes allow, or a DecodeError.

const messages = await allMessages();
const seed = 20_261_121;

function samples(message: Message<unknown, unknown>, version: number): Uint8Array[] {
  const isFlexible = message.flexible !== null && version >= message.flexible;
  return fc
    .sample(arbitraryStruct(message.fields, { version, isFlexible }), { numRuns: 2, seed })
    .map((value) => encodeToBytes(message, version, value));
}

function eachSample(
  message: Message<unknown, unknown>,
  check: (bytes: Uint8Array, version: number) => void,
): void {
  for (const version of versionsOf(message)) {
    for (const bytes of samples(message, version)) check(bytes, version);
  }
}

/** Positions to damage: all of a short message, evenly spread ones of a long one. */
function positions(bytes: Uint8Array): number[] {
  const step = Math.max(1, Math.floor(bytes.length / 48));
  return Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) => index * step);
}

function overwritten(bytes: Uint8Array, at: number, damage: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(damage.slice(0, copy.length - at), at);
  return copy;
}

function expectValueOrError(
  message: Message<unknown, unknown>,
  version: number,
  bytes: Uint8Array,
): void {
  const decoded = decode(message, version, bytes);
  if (decoded instanceof DecodeError) {
    if (decoded.position > bytes.length)
      throw new Error(`failed beyond the input: ${decoded.message}`);
    return;
  }
  if (elementsIn(decoded) > bytes.length) throw new Error("more elements than bytes");
}

function elementsIn(value: unknown): number {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return 0;
  let count = Array.isArray(value) ? value.length : 0;
  for (const part of Object.values(value)) count += elementsIn(part);
  return count;
}

test.each(messages)("$name, cut short anywhere, is a DecodeError", ({ message }) => {
  eachSample(message, (bytes, version) => {
    for (const length of positions(bytes)) {
      const decoded = decode(message, version, bytes.subarray(0, length));
      if (!(decoded instanceof DecodeError)) {
        expect.fail(`version ${version} decodes from ${length} of ${bytes.length} bytes`);
      }
    }
  });
});

test.each(messages)(
  "$name with bytes behind it is a DecodeError, unless they are ignored",
  ({ message }) => {
    eachSample(message, (bytes, version) => {
      const longer = Uint8Array.from([...bytes, 0]);
      expect(decode(message, version, longer)).toBeInstanceOf(DecodeError);
      expect(decode(message, version, longer, { trailing: "ignore" })).toEqual(
        decode(message, version, bytes),
      );
    });
  },
);

const damages: readonly (readonly [what: string, bytes: readonly number[]])[] = [
  ["a huge length", [0x7f, 0xff, 0xff, 0xff]],
  ["a negative length", [0x80, 0x00, 0x00, 0x00]],
  ["minus two", [0xff, 0xff, 0xff, 0xfe]],
  ["a varint of 5 bytes with 35 bits", [0xff, 0xff, 0xff, 0xff, 0x7f]],
  ["a varint that never ends", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ["a large varint", [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ["the largest int64", [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
];

test.each(messages)("$name survives lengths, varints and bits that lie", ({ message }) => {
  eachSample(message, (bytes, version) => {
    for (const at of positions(bytes)) {
      for (const [, damage] of damages) {
        expectValueOrError(message, version, overwritten(bytes, at, damage));
      }
      expectValueOrError(
        message,
        version,
        overwritten(bytes, at, [(bytes[at] ?? 0) ^ (1 << (at % 8))]),
      );
    }
  });
});

test("random bytes survive in every message", () => {
  const cases = messages.flatMap(({ message }) =>
    versionsOf(message).map((version) => ({ message, version })),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...cases),
      fc.uint8Array({ maxLength: 200 }),
      ({ message, version }, bytes) => expectValueOrError(message, version, bytes),
    ),
    { numRuns: 3_000 },
  );
});
