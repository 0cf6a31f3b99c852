import { expect, test } from "vitest";
import { createSeededRandom } from "../../../../adapters/memory/random.ts";
import { createPlaceNumbers, packRowsOf } from "../../../../broker/cold/pack-rows.ts";
import type { PackRange } from "../../../../broker/tiering/pack.ts";

const random = createSeededRandom(20);
const below = (limit: number): number => Math.floor(random.float() * limit);

/** As a pack has them: of a partition one behind the other, of partitions in any order, and of some several times. */
function someRanges(count: number): PackRange[] {
  return Array.from({ length: count }, () => {
    const baseOffset = below(2) * 2 ** 52 + below(1_000_000);
    return {
      topicId: `topic-${below(3)}`,
      index: below(4),
      baseOffset,
      endOffset: baseOffset + 1 + below(2 ** 31),
      firstLeaderEpoch: below(2 ** 31),
      lastLeaderEpoch: below(2 ** 31),
      wholeInEpoch: below(3) - 1,
      position: 2 ** 31 + below(2 ** 31),
      sizeBytes: below(2 ** 31),
    };
  });
}

test("of each partition a pack's ranges come back as they were, in their order, whatever the pack has of others", () => {
  const numbers = createPlaceNumbers();
  for (let count = 0; count < 40; count += 1) {
    const ranges = someRanges(count);
    const rows = packRowsOf(`pack-${count}`, ranges, numbers);
    for (let topic = 0; topic < 3; topic += 1)
      for (let index = 0; index < 4; index += 1) {
        const place = { topicId: `topic-${topic}`, index };
        const own = ranges.filter((each) => each.topicId === place.topicId && each.index === index);
        const number = numbers.of(place);
        const found = number === null ? [] : rows.rangesOf(place, number);
        expect(found).toEqual(own.map((range) => ({ key: `pack-${count}`, range })));
      }
  }
});

test("a partition keeps the number that it was given first, and one that no pack names has none", () => {
  const numbers = createPlaceNumbers();
  const places = [0, 1, 2].map((index) => ({ topicId: "orders", index }));
  const given = places.map((place) => numbers.give(place));
  expect(new Set(given).size).toBe(3);
  expect(places.map((place) => numbers.give(place))).toEqual(given);
  expect(places.map((place) => numbers.of(place))).toEqual(given);
  expect(numbers.of({ topicId: "orders", index: 3 })).toBeNull();
  expect(numbers.of({ topicId: "payments", index: 0 })).toBeNull();
});
