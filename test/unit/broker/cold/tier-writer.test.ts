import { afterEach, beforeEach, expect, test } from "vitest";
import { createProducerState } from "../../../../broker/log/producer-state.ts";
import { decodeProducerState } from "../../../../broker/log/producer-snapshot.ts";
import type { Partition } from "../../../../broker/replication/partition.ts";
import { moveLogStartEverywhere } from "../../../../broker/cold/move-log-start.ts";
import { encodePage } from "../../../../broker/tiering/manifest-codec.ts";
import { pageOf } from "../../../../broker/tiering/manifest-paging.ts";
import { objectKey, pageName } from "../../../../broker/tiering/object-keys.ts";
import { ObjectStoreError } from "../../../../ports/object-store.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { nextId } from "../tiering/objects.ts";

let broker: MemoryBroker;
beforeEach(async () => {
  broker = await startMemoryBroker();
  await broker.createTopic("cold", { partitionCount: 1 });
});
afterEach(() => broker.close());

const partition = (): Partition =>
  broker.services.topics.byName(broker.clusterId, "cold")!.partitions[0]!;

async function send(count: number, producer: { id: number; sequence: number } | null = null) {
  for (let number = 0; number < count; number += 1) {
    const of =
      producer === null
        ? {}
        : { producerId: producer.id, producerEpoch: 0, baseSequence: producer.sequence + number };
    const records = batchOf(["a record"], { ...of, timestamp: broker.clock.nowMs() });
    expect((await produceOne(broker, { topic: "cold", records })).errorCode).toBe(0);
  }
}

const cut = () => broker.services.tierWriter.cut(partition(), 1_000_000);

function failManifestOnce(): void {
  const { objects } = broker.world;
  const put: typeof objects.put = (...asked) => before.put(...asked);
  const before = { ...objects };
  objects.put = (key, ...rest) => {
    if (!key.endsWith("/manifest")) return put(key, ...rest);
    objects.put = put;
    return Promise.reject(new ObjectStoreError("unavailable", "told to fail"));
  };
}

const manifest = async () => (await broker.services.tier.manifest(partition(), { isFresh: true }))!;

test("a manifest that this leader has made is found again after a put of it has failed", async () => {
  const { tierWriter } = broker.services;
  await send(10);
  expect((await tierWriter.leave(partition(), 5)).kind).toBe("done");
  expect((await cut()).kind).toBe("done");
  await send(10);
  failManifestOnce();
  expect((await cut()).kind).toBe("failed");
  expect((await tierWriter.leave(partition(), 12)).kind).toBe("done");
  expect((await manifest()).logStartOffset).toBe(12);
});

test("who wrote last in what is deleted before it is in the object store is not remembered by what came before", async () => {
  await send(5, { id: 7, sequence: 0 });
  expect((await cut()).kind).toBe("done");
  await send(5, { id: 7, sequence: 5 });
  expect(await moveLogStartEverywhere(broker.services.tierWriter, partition(), 10)).toBe(true);
  await send(1, { id: 8, sequence: 0 });
  expect((await cut()).kind).toBe("done");
  const beginning = await broker.services.tier.beginning(partition());
  const limits = { expirationMs: 1e12, maxProducers: 10, budget: { used: 0, limit: 10 } };
  const found = decodeProducerState(beginning!.before.producers, limits);
  const { producers } = found.kind === "restored" ? found.state : createProducerState(limits);
  const known = Array.from(producers.values(), ({ producerId }) => producerId);
  expect(known).toEqual([8]);
});

test("a put of the manifest that arrives after it was given up lists nothing that was deleted meanwhile", async () => {
  const { tierWriter } = broker.services;
  await send(10);
  // There is one, and it lists nothing: the log start would move without a put.
  expect((await tierWriter.claimed(partition())).kind).toBe("claimed");
  const { objects } = broker.world;
  const before = { ...objects };
  let arrives = (): Promise<unknown> => Promise.reject(new Error("nothing was put"));
  objects.put = (...asked) => {
    if (!asked[0].endsWith("/manifest")) return before.put(...asked);
    arrives = () => before.put(...asked);
    objects.put = (...later) => before.put(...later);
    return Promise.reject(new ObjectStoreError("unavailable", "told to fail"));
  };
  expect((await cut()).kind).toBe("failed");
  expect(await moveLogStartEverywhere(tierWriter, partition(), 10)).toBe(true);
  expect(await arrives()).toBeNull();
  expect((await manifest()).segments).toEqual([]);
});

// As after a directory that came back older within one life of its broker.
test("a tier that ends above the log is taken from whoever led before, not added to, and nobody is told of it", async () => {
  await send(10);
  expect((await cut()).kind).toBe("done");
  await send(1);
  failManifestOnce();
  expect((await cut()).kind).toBe("failed");
  const { revision } = await manifest();
  partition().tieredEnd = -1;
  Object.defineProperty(partition().log, "logEndOffset", { value: 5 });
  expect(await cut()).toEqual({ kind: "failed", reason: "the tier ends above the log" });
  expect((await manifest()).revision).toBe(revision + 1);
  expect((await manifest()).segments).toHaveLength(1);
  expect(partition().tieredEnd).toBe(-1);
});

test("where a page has left, all that is there is looked at once more: it alone named its segments", async () => {
  const { tierWriter, tier } = broker.services;
  await send(10);
  await cut();
  const name = pageName({ baseOffset: 0, id: nextId() });
  const turned = await tierWriter.change(partition(), async (manifest) => {
    const { segments: entries } = manifest;
    const bytes = encodePage(manifest, entries);
    await tier.objects.put(objectKey(tier.pathOf(partition()), name), bytes);
    const revision = manifest.revision + 1;
    const pages = [pageOf(name, entries)];
    return { kind: "changed", manifest: { ...manifest, revision, pages, segments: [] } };
  });
  expect(turned.kind).toBe("done");
  expect((await tierWriter.collect(partition())).kind).toBe("done");
  expect(tierWriter.hasLeft(partition())).toBe(false);
  await send(10);
  expect((await tierWriter.leave(partition(), 10)).kind).toBe("done");
  expect((await manifest()).pages).toEqual([]);
  expect(tierWriter.hasLeft(partition())).toBe(true);
});
