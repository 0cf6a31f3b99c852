import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decode } from "../../../../protocol/schema/decode.ts";
import { encodeToBytes } from "../../../../protocol/schema/encode.ts";
import { allMessages, versionsOf } from "./all-messages.ts";
import { arbitraryStruct, completed, withPlainBytes } from "./arbitrary-message.ts";

const messages = await allMessages();

test.each(messages)("$name decodes to what was encoded, in every version", ({ message }) => {
  for (const version of versionsOf(message)) {
    const isFlexible = message.flexible !== null && version >= message.flexible;
    const at = { version, isFlexible };
    fc.assert(
      fc.property(arbitraryStruct(message.fields, at), (value) => {
        const bytes = encodeToBytes(message, version, value);
        const decoded = decode(message, version, bytes);
        const expected = completed(message.fields, at, value);
        if (!isDeepStrictEqual(withPlainBytes(decoded), expected)) {
          expect(withPlainBytes(decoded), `version ${version}`).toEqual(expected);
        }
        expect(isDeepStrictEqual(encodeToBytes(message, version, decoded), bytes)).toBe(true);
      }),
      { numRuns: 20 },
    );
  }
});
