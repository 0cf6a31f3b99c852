import { afterEach, expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { startPackSweep } from "../../../../broker/cold/pack-sweep.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { packKey } from "../../../../broker/tiering/object-keys.ts";
import { createPackBuilder } from "../../../../broker/tiering/pack.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { openReplicaElsewhere, startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../tiering/objects.ts";

let broker: MemoryBroker | null = null;
afterEach(() => broker?.close());

test("a pack of a topic that the metadata log has, and this broker has not heard of yet, is kept", async () => {
  broker = await startMemoryBroker({ hearsOfAppends: false });
  const { objects } = broker.world;
  const cell = "local";
  const clock = createManualClock();
  // Another broker's, which was gone again before anybody here knew of it.
  const elsewhere = await openReplicaElsewhere(broker.world, clock);
  const { clusterId } = broker;
  const made = await elsewhere.submit((image, context) =>
    createTopic(image, { clusterId, topic: { name: "new", partitionCount: 1 } }, context),
  );
  if (made.kind === "rejected") throw new Error(made.message);
  const { topicId } = made.result;
  const builder = createPackBuilder(new Uint8Array(4_096));
  builder.add({ topicId, index: 0 }, batchOf({ baseOffset: 0 }));
  const key = packKey(cell, { broker: 77, brokerEpoch: 5, sequence: 0 });
  await objects.put(key, builder.finish().bytes);
  expect(broker.image.topics.has(topicId)).toBe(false);
  const stop = startPackSweep({
    cell,
    tier: broker.services.tier,
    metadata: broker.metadata,
    isController: () => true,
    clock,
    log: silentLog,
    intervalMs: 1_000,
  });
  await clock.advance(1_000);
  await stop();
  expect(await objects.head(key)).not.toBeNull();
  await elsewhere.close();
});
