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
