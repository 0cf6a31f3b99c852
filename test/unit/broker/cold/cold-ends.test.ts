import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { createColdEnds } from "../../../../broker/cold/cold-ends.ts";
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
  const ends = createColdEnds({ tier, cell, clock });
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
  return { objects, clock, places, asked, ends: createColdEnds({ tier, cell, clock }) };
}

test("of thousands of partitions that are asked about each pack's directory is read once, however long that takes", async () => {
  const { clock, places, asked, ends } = await disaster({ partitions: 1_000, packs: 500 });
  for (const each of places) {
    const { endOffset } = await ends.endOf({ ...each, recoveries: [] }, null);
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
