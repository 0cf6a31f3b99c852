import { expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import { growTopics } from "../../../../metadata/commands/replace-replicas.ts";
import { minIsr } from "../../../../metadata/image/min-isr.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";

// A topic made on one broker, when two more have come.

async function until(what: () => boolean): Promise<void> {
  for (let turn = 0; turn < 5_000 && !what(); turn++) await new Promise((go) => setTimeout(go, 1));
  if (!what()) throw new Error(`never: ${what.toString()}`);
}

test("every broker asks for as many in sync as the metadata log does, once a topic has grown", async () => {
  const first = await startMemoryBroker();
  const { topicId } = await first.createTopic("orders", { partitionCount: 1 });
  const besides = (slot: number): Promise<MemoryBroker> =>
    startMemoryBroker({
      world: { ...first.world, disk: createMemoryDisk(), seed: 70 + slot },
      network: first.network,
      config: { slot, zone: `zone-${slot}`, listen: { host: "127.0.0.1", port: 9091 + slot } },
    });
  const brokers = [first, await besides(2), await besides(3)];
  try {
    await first.metadata.submit((image, context) => growTopics(image, { maxMoving: 9 }, context));
    const partition = () => first.image.topics.get(topicId)!.partitions[0]!;
    await until(() => partition().isr.length === 3 && partition().adding.length === 0);
    const asked = () =>
      brokers.map(({ services }) => services.topics.local(topicId)?.partitions[0]?.minIsr);
    await until(() => asked().every((each) => each === 2));
    expect(minIsr(first.image, first.image.topics.get(topicId)!, partition())).toBe(2);
  } finally {
    await Promise.all(brokers.map((broker) => broker.close()));
  }
}, 30_000);
