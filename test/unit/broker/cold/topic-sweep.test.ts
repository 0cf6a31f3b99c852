import { afterEach, expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { keepUnknownTopics } from "../../../../broker/cold/kept-topics.ts";
import { startTopicSweep } from "../../../../broker/cold/topic-sweep.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { keptTopicKey, topicPrefix } from "../../../../broker/tiering/object-keys.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { deleteTopic } from "../../../../metadata/commands/delete-topics.ts";
import { snapshotKey } from "../../../../metadata/log/object-keys.ts";
import type { MetadataChange } from "../../../../metadata/image/changes.ts";
import { readyCell } from "../../metadata/test-cell.ts";

const cell = "test";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function scene() {
  const metadata = readyCell(1);
  const { clusterId } = metadata;
  const topic = { name: "known", partitionCount: 1 };
  metadata.accept((image, context) => createTopic(image, { clusterId, topic }, context));
  const [known = ""] = metadata.image.topics.keys();
  const objects = createMemoryObjectStore();
  for (const topicId of [known, "AAAAAAAAAAAAAAAAAAAAAA", "ZZZZZZZZZZZZZZZZZZZZZA"])
    for (const name of ["0/a.segment", "0/manifest", "1/manifest"])
      await objects.put(topicPrefix(cell, topicId) + name, Buffer.from("x"));
  return { metadata, objects, known };
}

type Scene = Awaited<ReturnType<typeof scene>>;

function start({ metadata, objects }: Pick<Scene, "metadata" | "objects">) {
  const clock = createManualClock();
  const stop = startTopicSweep({
    cell,
    metadata: {
      image: metadata.image,
      readToHead: () => Promise.resolve(0),
      onChange: () => () => undefined,
    },
    objects,
    isController: () => true,
    clock,
    log: silentLog,
    checkMs: 10_000,
  });
  stops.push(stop);
  return { clock, stop };
}

async function swept(at: Scene): Promise<string[]> {
  const { objects } = at;
  const { clock } = start(at);
  await clock.advance(120_000);
  const left = (await objects.list(`cells/${cell}/topics/`)).map(({ key }) => key.split("/")[3]!);
  return [...new Set(left)].sort();
}

test("what only the store knows of goes, whatever there is of it", async () => {
  const at = await scene();
  expect(await swept(at)).toEqual([at.known]);
});

test("a stop waits for the topic that is being deleted, and for no other", async () => {
  const at = await scene();
  const { objects, metadata } = at;
  const stopping: Promise<void>[] = [];
  const watched = {
    ...objects,
    delete(key: string) {
      stopping.push(stop());
      return objects.delete(key);
    },
  };
  const { clock, stop } = start({ metadata, objects: watched });
  await clock.advance(120_000);
  expect(stopping).not.toEqual([]);
  await Promise.all(stopping);
  expect(await objects.list(topicPrefix(cell, "AAAAAAAAAAAAAAAAAAAAAA"))).toEqual([]);
  expect(await objects.list(topicPrefix(cell, "ZZZZZZZZZZZZZZZZZZZZZA"))).toHaveLength(3);
});

test("a stop does not wait until all topics of the store are known", async () => {
  const { objects, metadata } = await scene();
  let lists = 0;
  const stopping: Promise<void>[] = [];
  const watched = {
    ...objects,
    list(...asked: Parameters<typeof objects.list>) {
      lists += 1;
      stopping.push(stop());
      return objects.list(...asked);
    },
  };
  const { clock, stop } = start({ metadata, objects: watched });
  await clock.advance(120_000);
  await Promise.all(stopping);
  expect(lists).toBe(1);
});

test("what a restored cell does not know is kept, until its mark is taken away", async () => {
  const at = await scene();
  const { objects, metadata, known } = at;
  const to = { objects, cell };
  const elsewhere = createMemoryObjectStore();
  await elsewhere.put("cells/old/topics/MMMMMMMMMMMMMMMMMMMMMA/0/manifest", Buffer.from("x"));
  const places = [to, { objects: elsewhere, cell: "old" }];
  const marked = await keepUnknownTopics(metadata.image, { to, places });
  expect(marked).toEqual([
    "AAAAAAAAAAAAAAAAAAAAAA",
    "MMMMMMMMMMMMMMMMMMMMMA",
    "ZZZZZZZZZZZZZZZZZZZZZA",
  ]);
  const all = [known, "AAAAAAAAAAAAAAAAAAAAAA", "ZZZZZZZZZZZZZZZZZZZZZA"].sort();
  expect(await swept(at)).toEqual(all);
  await objects.delete(keptTopicKey(cell, "AAAAAAAAAAAAAAAAAAAAAA"));
  expect(await swept(at)).toEqual([known, "ZZZZZZZZZZZZZZZZZZZZZA"].sort());
});

test("what another cell may have, restored over the same objects, is left alone by the former one", async () => {
  const at = await scene();
  const all = [at.known, "AAAAAAAAAAAAAAAAAAAAAA", "ZZZZZZZZZZZZZZZZZZZZZA"].sort();
  const { revision } = at.metadata.image;
  await at.objects.put(snapshotKey(cell, revision + 2 ** 20), new Uint8Array());
  expect(await swept(at)).toEqual(all);
  await at.objects.delete(snapshotKey(cell, revision + 2 ** 20));
  await at.objects.put(snapshotKey(cell, revision), new Uint8Array());
  expect(await swept(at)).toEqual([at.known]);
});

test("a deletion costs a look at that topic, and none at the others", async () => {
  const { metadata, objects, known } = await scene();
  const clock = createManualClock();
  let listener: (changes: readonly MetadataChange[], revision: number) => void = () => undefined;
  let lists = 0;
  const counted = {
    ...objects,
    list: (...asked: Parameters<typeof objects.list>) => (lists++, objects.list(...asked)),
  };
  stops.push(
    startTopicSweep({
      cell,
      metadata: {
        image: metadata.image,
        readToHead: () => Promise.resolve(0),
        onChange(told) {
          listener = told;
          return () => undefined;
        },
      },
      objects: counted,
      isController: () => true,
      clock,
      log: silentLog,
      checkMs: 10_000,
    }),
  );
  await clock.advance(120_000);
  lists = 0;
  const { clusterId } = metadata;
  metadata.accept((image, context) =>
    deleteTopic(image, { clusterId, topic: { name: "known" } }, context),
  );
  listener(metadata.changes, metadata.image.revision);
  await clock.advance(50_000);
  expect(lists).toBe(0);
  await clock.advance(20_000);
  // At the topic, at what is kept, and at whose place this is.
  expect(lists).toBe(3);
  expect(await objects.list(topicPrefix(cell, known))).toEqual([]);
});
