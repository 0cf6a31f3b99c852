import fc from "fast-check";
import { expect, test } from "vitest";
import { consumerProtocolSubscription } from "../../../../protocol/messages/consumer-protocol.ts";
import { encodeToBytes } from "../../../../protocol/schema/encode.ts";
import { parseSubscribedTopics } from "../../../../broker/groups/subscription.ts";

test.each([0, 1, 2, 3])("the topics of a subscription of version %i are read", (version) => {
  const topics = ["orders", "returns", "\u00fcber"];
  const owned = [{ topic: "orders", partitions: [1, 2] }];
  const body = encodeToBytes(consumerProtocolSubscription, version, {
    topics,
    ownedPartitions: owned,
  });
  expect(parseSubscribedTopics(Buffer.concat([Buffer.from([0, version]), body]))).toEqual(topics);
});

test("a version newer than any is read as far as it is known", () => {
  const body = encodeToBytes(consumerProtocolSubscription, 3, { topics: ["orders"] });
  const bytes = Buffer.concat([Buffer.from([0, 99]), body, Buffer.from("what is to come")]);
  expect(parseSubscribedTopics(bytes)).toEqual(["orders"]);
});

test("any bytes give topics or null, never an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const topics = parseSubscribedTopics(bytes);
      expect(topics === null || topics.length <= bytes.length).toBe(true);
    }),
  );
});
