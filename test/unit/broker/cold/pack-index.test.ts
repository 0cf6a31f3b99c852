import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { createPackLooks, type PackIndex } from "../../../../broker/cold/pack-index.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { packKey } from "../../../../broker/tiering/object-keys.ts";
import { createPackBuilder } from "../../../../broker/tiering/pack.ts";
import { batchOf } from "../tiering/objects.ts";

const place = { topicId: "AAAAAAAAAAAAAAAAAAAAAA", index: 3 };
const keyOf = (sequence: number): string =>
  packKey("blue", { broker: 1, brokerEpoch: 2, sequence });

test("a look that is under way tells nobody what it has read so far, nor lets go of what it does not know to be gone", async () => {
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  const put = (sequence: number) => {
    const builder = createPackBuilder(new Uint8Array(8_192));
    builder.add(place, batchOf({ baseOffset: sequence }));
    return objects.put(keyOf(sequence), builder.finish().bytes);
  };
  const looks = createPackLooks({ tier: { objects }, cell: "blue", clock, log: silentLog });
  const offsets = (index: PackIndex) =>
    new Set(index.rangesOf(place).map(({ range }) => range.baseOffset));
  for (const sequence of [0, 1]) await put(sequence);
  const first = await looks.index(0);
  expect(offsets(first)).toEqual(new Set([0, 1]));
  await objects.delete(keyOf(0));
  for (const sequence of [2, 3]) await put(sequence);
  const before = { ...objects };
  let goOn: () => void = () => undefined;
  const isHeld = new Promise<void>((resolve) => (goOn = resolve));
  objects.get = async (key, ...rest) => {
    if (key === keyOf(2)) await isHeld;
    return before.get(key, ...rest);
  };
  await clock.advance(3_000);
  const second = looks.index(clock.monotonicMs());
  await clock.advance(1_000);
  // It has 3, and not what comes before.
  expect(offsets(first)).toEqual(new Set([0, 1]));
  goOn();
  expect(offsets(await second)).toEqual(new Set([1, 2, 3]));
  for (const sequence of [1, 2, 3]) await objects.delete(keyOf(sequence));
  await clock.advance(3_000);
  expect(offsets(await looks.index(clock.monotonicMs()))).toEqual(new Set());
});
