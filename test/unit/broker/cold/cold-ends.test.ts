import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { createColdEnds } from "../../../../broker/cold/cold-ends.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createTier } from "../../../../broker/cold/tier.ts";
import { packKey } from "../../../../broker/tiering/object-keys.ts";
import { createPackBuilder } from "../../../../broker/tiering/pack.ts";
import { batchOf } from "../tiering/objects.ts";

const cell = "blue";
const place = { topicId: "AAAAAAAAAAAAAAAAAAAAAA", index: 3 };

/** A coordinator's log up to there, as one pack has it. */
function packOf(count: number, sequence: number) {
  const builder = createPackBuilder(new Uint8Array(8_192));
  for (let baseOffset = 0; baseOffset < count; baseOffset += 1)
    builder.add(place, batchOf({ baseOffset }));
  const key = packKey(cell, { broker: 1, brokerEpoch: 2, sequence });
  return { key, bytes: builder.finish().bytes };
}

// A leader that does not know that its time is over, or a put that was not answered and came late.
test("a log that is packed whole again while packs are looked through, and is gone from the older ones, is found", async () => {
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  const tier = createTier({ cell, objects, clock, random: createSeededRandom(1) });
  const older = packOf(4, 0);
  await objects.put(older.key, older.bytes);
  const before = { ...objects };
  objects.get = async (key, ...rest) => {
    if (key === older.key) {
      const whole = packOf(5, 1);
      await before.put(whole.key, whole.bytes);
      await before.delete(older.key);
    }
    return before.get(key, ...rest);
  };
  const ends = createColdEnds({ tier, cell, clock, log: silentLog });
  const { startOffset, endOffset } = await ends.endOf({ ...place, recoveries: [] }, null);
  expect([startOffset, endOffset]).toEqual([0, 5]);
});

/** A cell that has lost every disk: each pack has something of many partitions. */
async function disaster(counts: { readonly partitions: number; readonly packs: number }) {
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  const places = Array.from({ length: counts.partitions }, (_, index) => ({ ...place, index }));
  for (let sequence = 0; sequence < counts.packs; sequence += 1) {
    const builder = createPackBuilder(new Uint8Array(8_192));
    for (let part = 0; part < 4; part += 1) {
      const round = Math.floor((sequence * 4) / places.length);
      builder.add(places[(sequence * 4 + part) % places.length]!, batchOf({ baseOffset: round }));
    }
    const key = packKey(cell, { broker: 1, brokerEpoch: 2, sequence });
    await objects.put(key, builder.finish().bytes);
  }
  const asked = { lists: 0, gets: 0, atOnce: 0, mostAtOnce: 0 };
  const before = { ...objects };
  objects.list = (...of) => {
    asked.lists += 1;
    return before.list(...of);
  };
  objects.get = async (key, ...rest) => {
    if (!key.endsWith(".pack")) return before.get(key, ...rest);
    asked.gets += 1;
    asked.atOnce += 1;
    asked.mostAtOnce = Math.max(asked.mostAtOnce, asked.atOnce);
    const found = await before.get(key, ...rest);
    asked.atOnce -= 1;
    return found;
  };
  const tier = createTier({ cell, objects, clock, random: createSeededRandom(1) });
  const errors: unknown[] = [];
  const log = { ...silentLog, error: (_message: string, about: unknown) => errors.push(about) };
  const ends = createColdEnds({ tier, cell, clock, log: log as never });
  return { objects, clock, places, asked, errors, ends };
}

test("of thousands of partitions that are asked about each pack's directory is read once, however long that takes", async () => {
  const { clock, places, asked, ends } = await disaster({ partitions: 1_000, packs: 500 });
  const askedMs = clock.monotonicMs();
  for (const each of places) {
    const { endOffset } = await ends.endOf({ ...each, recoveries: [], askedMs }, null);
    expect(endOffset).toBe(2);
    await clock.advance(200);
  }
  expect(asked.gets).toBe(500);
  expect(asked.lists).toBeLessThanOrEqual(100);
  expect(asked.mostAtOnce).toBe(16);
});

test("who asks while a look is under way has one that began with the question, and shares it with all that ask meanwhile", async () => {
  const { objects, clock, places, asked, ends } = await disaster({ partitions: 100, packs: 50 });
  const before = { ...objects };
  let goOn: () => void = () => undefined;
  const isHeld = new Promise<void>((resolve) => (goOn = resolve));
  objects.get = async (key, ...rest) => {
    if (key.endsWith(".pack")) await isHeld;
    return before.get(key, ...rest);
  };
  const first = ends.endOf({ ...places[0]!, recoveries: [] }, null);
  await clock.advance(10_000);
  // The last that its leader packed.
  const late = createPackBuilder(new Uint8Array(8_192));
  late.add(places[1]!, batchOf({ baseOffset: 2 }));
  await objects.put(
    packKey(cell, { broker: 1, brokerEpoch: 2, sequence: 50 }),
    late.finish().bytes,
  );
  const others = places.slice(1).map((each) => ends.endOf({ ...each, recoveries: [] }, null));
  await clock.advance(10_000);
  goOn();
  expect((await first).endOffset).toBe(2);
  const told = await Promise.all(others);
  expect(told.map(({ endOffset }) => endOffset)).toEqual([3, ...Array<number>(98).fill(2)]);
  expect(asked).toMatchObject({ gets: 51, lists: 2 });
});

// A process that ended is known to have as soon as its address refuses a connection.
test("who asks after a pack was put is told of it, though others asked a moment before it was", async () => {
  const { objects, clock, places, ends } = await disaster({ partitions: 100, packs: 50 });
  expect((await ends.endOf({ ...places[0]!, recoveries: [] }, null)).endOffset).toBe(2);
  await clock.advance(500);
  const late = createPackBuilder(new Uint8Array(8_192));
  late.add(places[1]!, batchOf({ baseOffset: 2 }));
  const key = packKey(cell, { broker: 1, brokerEpoch: 2, sequence: 50 });
  await objects.put(key, late.finish().bytes);
  await clock.advance(500);
  expect((await ends.endOf({ ...places[1]!, recoveries: [] }, null)).endOffset).toBe(3);
});

test("packs that others put while more than a page of them is listed do not keep a look from its end", async () => {
  const { objects, places, ends } = await disaster({ partitions: 100, packs: 1_001 });
  const before = { ...objects };
  let sequence = 0;
  objects.list = async (...of) => {
    const other = createPackBuilder(new Uint8Array(8_192));
    other.add({ ...place, index: 100 }, batchOf({ baseOffset: sequence }));
    const key = packKey(cell, { broker: 2, brokerEpoch: 3, sequence });
    sequence += 1;
    await before.put(key, other.finish().bytes);
    return before.list(...of);
  };
  expect((await ends.endOf({ ...places[0]!, recoveries: [] }, null)).endOffset).toBe(41);
});

test("what replaces two packs on the second page, of which one was gone before it was listed, is found", async () => {
  const { objects, places, ends } = await disaster({ partitions: 100, packs: 1_001 });
  const before = { ...objects };
  let listCount = 0;
  objects.list = async (...of) => {
    const listed = await before.list(...of);
    listCount += 1;
    if (listCount !== 1) return listed;
    // Of another broker, whose packs are listed before those that it has whole.
    const whole = createPackBuilder(new Uint8Array(65_536));
    for (let baseOffset = 0; baseOffset < 50; baseOffset += 1)
      whole.add(places[0]!, batchOf({ baseOffset }));
    const key = packKey(cell, { broker: 0, brokerEpoch: 3, sequence: 0 });
    await before.put(key, whole.finish().bytes);
    await before.delete(packKey(cell, { broker: 1, brokerEpoch: 2, sequence: 1_000 }));
    return listed;
  };
  expect((await ends.endOf({ ...places[0]!, recoveries: [] }, null)).endOffset).toBe(50);
});

test("what is known of packs is let go of once nobody asks any more", async () => {
  const { clock, places, asked, ends } = await disaster({ partitions: 4, packs: 3 });
  const ask = () => ends.endOf({ ...places[0]!, recoveries: [] }, null);
  await ask();
  await clock.advance(59_000);
  ends.forgetUnused();
  await ask();
  expect(asked.gets).toBe(3);
  await clock.advance(60_000);
  ends.forgetUnused();
  await ask();
  expect(asked.gets).toBe(6);
});

test("a pack that was known and is gone counts no more", async () => {
  const { objects, clock, places, ends } = await disaster({ partitions: 4, packs: 3 });
  const ask = () => ends.endOf({ ...places[0]!, recoveries: [] }, null);
  expect(await ask()).toMatchObject({ endOffset: 3 });
  await objects.delete(packKey(cell, { broker: 1, brokerEpoch: 2, sequence: 2 }));
  await clock.advance(2_000);
  expect(await ask()).toMatchObject({ endOffset: 2 });
});

/** The pack that has record 1 of four partitions is damaged; later ones have record 2 of the first three of them, and others all that there is of a fifth. */
async function damaged() {
  const scene = await disaster({ partitions: 4, packs: 2 });
  const key = packKey(cell, { broker: 1, brokerEpoch: 2, sequence: 1 });
  const whole = await scene.objects.get(key);
  const bytes = Uint8Array.from(whole!.bytes);
  bytes[bytes.length - 30]! ^= 1;
  await scene.objects.put(key, bytes);
  const later = createPackBuilder(new Uint8Array(8_192));
  for (const each of scene.places.slice(0, 3)) later.add(each, batchOf({ baseOffset: 2 }));
  const other = { ...place, index: 4 };
  later.add(other, batchOf({ baseOffset: 0 }));
  await scene.objects.put(
    packKey(cell, { broker: 1, brokerEpoch: 2, sequence: 2 }),
    later.finish().bytes,
  );
  const { ends } = scene;
  const endOf = async (of: typeof place) =>
    (await ends.endOf({ ...of, recoveries: [] }, null)).endOffset;
  return { ...scene, key, whole: whole!.bytes, other, endOf };
}

test("a pack that is damaged keeps nobody but those whose packs have a hole, and is told of once", async () => {
  const { places, other, key, clock, errors, endOf } = await damaged();
  expect(await endOf(other)).toBe(1);
  // What it had of this one was the last of it.
  expect(await endOf(places[3]!)).toBe(1);
  const waiting = endOf(places[0]!);
  await expect(waiting).rejects.toMatchObject({ name: "LogReadError", isDamage: true });
  await expect(waiting).rejects.toThrow(key);
  await clock.advance(10_000);
  expect(await endOf(other)).toBe(1);
  expect(errors).toMatchObject([{ key }]);
});

test("a pack that is damaged keeps one whose first records it may have had, as long as no segment has them", async () => {
  const { objects, other, ends, endOf } = await damaged();
  const later = createPackBuilder(new Uint8Array(8_192));
  const place = { ...other, index: 5 };
  later.add(place, batchOf({ baseOffset: 1 }));
  const key = packKey(cell, { broker: 1, brokerEpoch: 2, sequence: 3 });
  await objects.put(key, later.finish().bytes);
  await expect(endOf(place)).rejects.toMatchObject({ name: "LogReadError", isDamage: true });
  expect((await ends.endOf({ ...other, recoveries: [] }, null)).startOffset).toBe(0);
});

test("a pack that was damaged is read again: it may be mended, or deleted", async () => {
  const { places, key, whole, objects, clock, endOf } = await damaged();
  await expect(endOf(places[0]!)).rejects.toThrow("damaged");
  await objects.put(key, whole);
  await clock.advance(2_000);
  expect(await endOf(places[0]!)).toBe(3);
  await objects.delete(key);
  await clock.advance(2_000);
  // Behind the hole: the log start may have gone by.
  expect(await endOf(places[0]!)).toBe(3);
});

test("a pack of a later version, and a store that does not answer, are waited for", async () => {
  const { other, key, whole, objects, clock, endOf } = await damaged();
  const bytes = Uint8Array.from(whole);
  bytes[bytes.length - 9] = 3;
  await objects.put(key, bytes);
  await expect(endOf(other)).rejects.toThrow("version 3");
  await objects.put(key, whole);
  await clock.advance(2_000);
  objects.failNext("list");
  await expect(endOf(other)).rejects.toThrow("told to fail");
  expect(await endOf(other)).toBe(1);
});
