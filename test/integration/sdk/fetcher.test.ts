import { afterAll, beforeAll, expect, test } from "vitest";
import { Fetcher } from "../../../sdk/src/client/fetcher.ts";
import { bytes } from "../../../sdk/src/codecs.ts";
import type { TestBroker } from "../../../sdk/src/testing.ts";
import { createTestBroker } from "../../../sdk/src/testing.ts";

let broker: TestBroker;

beforeAll(async () => {
  broker = await createTestBroker();
});
afterAll(() => broker.close());

test("partitions that are taken away with a full queue leave their room to the others", async () => {
  // One more megabyte than is read ahead; compressed it comes in one response.
  const crowd = Array.from({ length: 33 }, (_, partition) => partition);
  const quiet = crowd.length;
  await broker.topics.create("orders", { partitions: quiet + 1 });
  await using producer = broker.cluster.producer({ value: bytes });
  for (const partition of crowd)
    await producer.send("orders", { value: new Uint8Array(1_040_000), partition });
  const fetcher = new Fetcher({
    bootstrapServers: broker.bootstrapServers,
    clientId: "test",
    topics: ["orders"],
    outOfRange: "beginning",
  });
  try {
    for (const partition of crowd) fetcher.add("orders", partition, 0);
    await fetcher.changed();
    fetcher.add("orders", quiet, 0);
    for (const partition of crowd) fetcher.remove("orders", partition);
    await producer.send("orders", { value: new Uint8Array(1), partition: quiet });
    let chunk = fetcher.take();
    for (; chunk === null; chunk = fetcher.take()) await fetcher.changed();
    expect(chunk.place.partition).toBe(quiet);
  } finally {
    await fetcher.close();
  }
});
