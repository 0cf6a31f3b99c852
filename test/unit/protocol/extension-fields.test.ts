import { expect, expectTypeOf, test } from "vitest";
import { extend, firstExtensionTag } from "../../../protocol/extension-fields.ts";
import { fetchRequest } from "../../../protocol/messages/fetch.ts";
import { decode } from "../../../protocol/schema/decode.ts";
import { encodeToBytes } from "../../../protocol/schema/encode.ts";
import type { Infer } from "../../../protocol/schema/message.ts";
import { int32, int64, tagged, withDefault } from "../../../protocol/schema/types.ts";

const extended = extend(fetchRequest, {
  slot: tagged(10_000, 12, withDefault(int32, -1)),
  topics: { partitions: { flushedOffset: tagged(10_001, 12, withDefault(int64, -1)) } },
});

const partition = { partition: 3, fetchOffset: 42, partitionMaxBytes: 1024, flushedOffset: 40 };
const request = {
  maxWaitMs: 500,
  minBytes: 1,
  slot: 2,
  topics: [{ topicId: "Z0aPeEQ1Q3mJ3m3Vx7yYKg", partitions: [partition] }],
};

test("an extended message carries its own fields, at the top and inside arrays", () => {
  const bytes = encodeToBytes(extended, 13, request);
  expect(decode(extended, 13, bytes)).toMatchObject(request);
  expectTypeOf<Infer<typeof extended>["slot"]>().toEqualTypeOf<number>();
  expectTypeOf<
    Infer<typeof extended>["topics"][number]["partitions"][number]["flushedOffset"]
  >().toEqualTypeOf<number>();
});

test("who knows only Kafka's message reads it as if nothing had been added", () => {
  const theirs = decode(fetchRequest, 13, encodeToBytes(extended, 13, request));
  expect(theirs).toEqual(decode(fetchRequest, 13, encodeToBytes(fetchRequest, 13, request)));
});

test("a message without our fields reads as their defaults", () => {
  const decoded = decode(extended, 13, encodeToBytes(fetchRequest, 13, request));
  expect(decoded).toMatchObject({ slot: -1, topics: [{ partitions: [{ flushedOffset: -1 }] }] });
});

test("a tag in Kafka's range, a name in use and a field that is not there are refused", () => {
  expect(() => extend(fetchRequest, { slot: tagged(9_999, 12, int32) })).toThrow(
    `from ${firstExtensionTag} on`,
  );
  expect(() => extend(fetchRequest, { maxWaitMs: tagged(10_000, 12, int32) })).toThrow("exists");
  expect(() => extend(fetchRequest, { nothing: { slot: tagged(10_000, 12, int32) } })).toThrow(
    "no field nothing",
  );
});
