import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { createPackedWhole, isPackedAgain } from "../../../../broker/cold/packed-whole.ts";
import { packKey } from "../../../../broker/tiering/object-keys.ts";
import { createPackBuilder, type PackRange } from "../../../../broker/tiering/pack.ts";
import { listPacks, loadPackDirectory } from "../../../../broker/tiering/pack-reading.ts";
import { batchOf } from "../tiering/objects.ts";

const cell = "blue";
const place = { topicId: "AAAAAAAAAAAAAAAAAAAAAA", index: 3 };

/** What leaders one after the other have put of one log: its tail each time, or now and then all of it. */
const packs = fc.array(
  fc.record({
    records: fc.integer({ min: 1, max: 3 }),
    isWhole: fc.boolean(),
    takesOver: fc.boolean(),
    broker: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 1, maxLength: 12 },
);

test("whichever packs go because they are packed again, in whatever order, every offset stays in one", async () => {
  await fc.assert(
    fc.asyncProperty(packs, fc.infiniteStream(fc.nat()), async (lives, choices) => {
      const objects = createMemoryObjectStore();
      let end = 0;
      let leaderEpoch = 1;
      for (const [sequence, { records, isWhole, takesOver, broker }] of lives.entries()) {
        if (takesOver) leaderEpoch += 1;
        const builder = createPackBuilder(new Uint8Array(8_192));
        const upTo = end + records;
        for (let baseOffset = isWhole ? 0 : end; baseOffset < upTo; baseOffset += 1)
          builder.add(place, batchOf({ baseOffset, leaderEpoch: 1 }));
        if (isWhole) builder.markWhole(place, leaderEpoch);
        const key = packKey(cell, { broker, brokerEpoch: broker, sequence });
        await objects.put(key, builder.finish().bytes);
        end = upTo;
      }
      const packedWhole = createPackedWhole({ objects, cell });
      const found = async () => {
        const all: { key: string; range: PackRange }[] = [];
        const listed = await listPacks(objects, cell);
        if (listed.kind !== "listed") throw new Error(listed.kind);
        for (const pack of listed.packs) {
          const loaded = await loadPackDirectory(objects, pack);
          if (loaded.kind !== "directory") throw new Error(loaded.kind);
          all.push(...loaded.ranges.map((range) => ({ key: pack.key, range })));
        }
        return all;
      };
      for (;;) {
        const whole = await packedWhole();
        const needless = (await found()).filter((each) => isPackedAgain(whole, each, []));
        if (needless.length === 0) break;
        // One who looked long ago deletes several at once.
        const count = 1 + (choices.next().value % needless.length);
        for (const { key } of needless.slice(0, count)) await objects.delete(key);
        const held = new Set<number>();
        for (const { range } of await found())
          for (let offset = range.baseOffset; offset < range.endOffset; offset += 1)
            held.add(offset);
        expect(held.size).toBe(end);
      }
    }),
    { numRuns: 200 },
  );
});

// Put by who died, and not answered: it came when the partition had been recovered without it.
test("a log that is whole only with what a recovery has given up stands for nothing", async () => {
  const objects = createMemoryObjectStore();
  const put = async (from: number, to: number, inEpoch: number) => {
    const builder = createPackBuilder(new Uint8Array(8_192));
    for (let baseOffset = from; baseOffset < to; baseOffset += 1)
      builder.add(place, batchOf({ baseOffset, leaderEpoch: 3 }));
    if (inEpoch >= 0) builder.markWhole(place, inEpoch);
    const key = packKey(cell, { broker: 1, brokerEpoch: 2, sequence: from });
    const { bytes, ranges } = builder.finish();
    await objects.put(key, bytes);
    return { key, range: ranges[0]! };
  };
  const older = await put(0, 8, -1);
  // Its log start was past 8, and what counted was written again from there on.
  await put(11, 14, 4);
  const whole = await createPackedWhole({ objects, cell })();
  expect(isPackedAgain(whole, older, [])).toBe(true);
  expect(isPackedAgain(whole, older, [{ epoch: 6, end: 8, start: 1_000 }])).toBe(false);
  expect(isPackedAgain(whole, older, [{ epoch: 6, end: 14, start: 1_000 }])).toBe(true);
  expect(isPackedAgain(whole, older, [{ epoch: 4, end: 8, start: 11 }])).toBe(true);
});

test("directories of packs are read once, and a store that does not answer is no reason to delete", async () => {
  const objects = createMemoryObjectStore();
  const builder = createPackBuilder(new Uint8Array(8_192));
  builder.add(place, batchOf({ baseOffset: 0 }));
  builder.markWhole(place, 5);
  const key = packKey(cell, { broker: 1, brokerEpoch: 2, sequence: 0 });
  await objects.put(key, builder.finish().bytes);
  let gets = 0;
  const before = { ...objects };
  objects.get = (...asked) => {
    gets += 1;
    return before.get(...asked);
  };
  const packedWhole = createPackedWhole({ objects, cell });
  for (let time = 0; time < 3; time += 1)
    expect([...(await packedWhole()).values()]).toEqual([
      [{ ...place, endOffset: 1, lastLeaderEpoch: 1, inEpoch: 5, key }],
    ]);
  expect(gets).toBe(1);
  objects.list = () => Promise.reject(new Error("away"));
  await expect(packedWhole()).rejects.toThrow(/away/);
});
