import fc from "fast-check";
import { expect, test } from "vitest";
import {
  recoverFromPacks,
  type FoundRange,
  type Recovery,
} from "../../../../broker/tiering/pack-recovery.ts";
import { path } from "./objects.ts";

const found = (
  baseOffset: number,
  endOffset: number,
  epochs: number | readonly [number, number] = 1,
): FoundRange => {
  const [firstLeaderEpoch, lastLeaderEpoch] =
    typeof epochs === "number" ? [epochs, epochs] : epochs;
  const place = { topicId: path.topicId, index: path.index, position: 0, sizeBytes: 1 };
  return {
    key: `${baseOffset}-${endOffset}-${lastLeaderEpoch}`,
    range: { ...place, baseOffset, endOffset, firstLeaderEpoch, lastLeaderEpoch, wholeInEpoch: -1 },
  };
};

const runOf = (
  ranges: readonly FoundRange[],
  options: {
    end?: number;
    epoch?: number;
    listsNothing?: boolean;
    recoveries?: readonly Recovery[];
  } = {},
) => {
  const { end, epoch = 0, listsNothing = false, recoveries = [] } = options;
  const tier = end === undefined ? null : { endOffset: end, lastEpoch: epoch, listsNothing };
  const recovered = recoverFromPacks(ranges, tier, recoveries);
  return {
    ...recovered,
    parts: recovered.parts.map((part) => [
      part.fromOffset,
      part.toOffset,
      part.range.lastLeaderEpoch,
    ]),
  };
};

test("the run begins at the tiered end, joins ranges, and stops at the first hole", () => {
  const ranges = [found(20, 30), found(0, 10), found(8, 20), found(31, 40)];
  expect(runOf(ranges, { end: 5 })).toEqual({
    startOffset: 5,
    endOffset: 30,
    lastEpoch: 1,
    parts: [
      [5, 10, 1],
      [10, 20, 1],
      [20, 30, 1],
    ],
    hasHole: true,
  });
});

test("without a manifest it begins with the first offset that any pack holds", () => {
  expect(runOf([found(20, 30), found(7, 20)])).toMatchObject({ startOffset: 7, endOffset: 30 });
  expect(runOf([])).toEqual({
    startOffset: 0,
    endOffset: 0,
    lastEpoch: -1,
    parts: [],
    hasHole: false,
  });
});

test("without a segment it begins behind the last hole: what was below it is below the log start, and some of that was deleted already", () => {
  const ranges = [found(0, 36), found(0, 83), found(132, 190, 2), found(190, 280, 2)];
  const run = { startOffset: 132, endOffset: 280, lastEpoch: 2 };
  expect(runOf(ranges)).toMatchObject(run);
  expect(runOf(ranges, { end: 60, epoch: -1, listsNothing: true })).toMatchObject(run);
  expect(runOf(ranges, { end: 83, epoch: 1 })).toMatchObject({ startOffset: 83, endOffset: 83 });
  // What is not of a later term is no end of that log.
  expect(runOf([found(0, 83, 2), found(132, 190, 1)])).toMatchObject({ endOffset: 83 });
});

test("a hole is told of, but in front of where the log was packed whole", () => {
  const whole = found(132, 190, 2);
  const again = { ...whole, range: { ...whole.range, wholeInEpoch: 2 } };
  expect(runOf([found(0, 83), whole]).hasHole).toBe(true);
  expect(runOf([found(0, 83), again])).toMatchObject({ startOffset: 132, hasHole: false });
  expect(runOf([found(0, 83), again, found(200, 210, 2)]).hasHole).toBe(true);
  // Segments reach up to the hole: that is where it ends.
  expect(runOf([again], { end: 83 }).hasHole).toBe(true);
  expect(runOf([found(0, 83), found(83, 90)]).hasHole).toBe(false);
});

test("a log that was packed whole is not whole once a recovery has cut that pack", () => {
  const whole = found(132, 190, 2);
  const again = { ...whole, range: { ...whole.range, wholeInEpoch: 2 } };
  const ranges = [found(0, 83), again, found(1000, 1010, 3)];
  for (const end of [150, 190]) {
    const recoveries = [{ epoch: 3, end, start: 1000 }];
    const run = { startOffset: 132, endOffset: 1010, hasHole: end < 190 };
    expect(runOf(ranges, { recoveries })).toMatchObject(run);
  }
  // Nor where it is only what lies behind an earlier gap that was cut, all of it perhaps.
  const behindGap = { ...found(500, 510, 2), key: again.key };
  for (const end of [500, 505, 510]) {
    const recoveries = [
      { epoch: 2, end: 190, start: 500 },
      { epoch: 3, end, start: 1000 },
    ];
    const run = { startOffset: 132, endOffset: 1010, hasHole: end < 510 };
    expect(runOf([...ranges, behindGap], { recoveries })).toMatchObject(run);
  }
});

test("without a segment there may have been something in front of the first pack, but where a recovery or the leader of the whole log says that there was not", () => {
  const first = found(7, 20);
  expect(runOf([first, found(20, 30)])).toMatchObject({ startOffset: 7, hasHole: true });
  const whole = { ...first, range: { ...first.range, wholeInEpoch: 1 } };
  expect(runOf([whole, found(20, 30)])).toMatchObject({ startOffset: 7, hasHole: false });
  // An older one may be left in front of that.
  expect(runOf([found(5, 9), whole, found(20, 30)])).toMatchObject({
    startOffset: 5,
    hasHole: false,
  });
  const behindGap = found(1000, 1010, 3);
  for (const end of [0, 4]) {
    const recoveries = [{ epoch: 3, end, start: 1000 }];
    const run = { startOffset: 1000, endOffset: 1010, hasHole: end > 0 };
    expect(runOf([behindGap], { recoveries })).toMatchObject(run);
  }
});

test("a recovery's gap is no hole", () => {
  const recoveries = [{ epoch: 3, end: 40, start: 1000 }];
  const ranges = [found(0, 40), found(1000, 1010, 3)];
  const run = { startOffset: 0, endOffset: 1010, hasHole: false };
  expect(runOf(ranges, { recoveries })).toMatchObject(run);
});

test("packs that do not reach the tiered end add nothing", () => {
  expect(runOf([found(20, 30), found(0, 10)], { end: 15, epoch: 3 })).toEqual({
    startOffset: 15,
    endOffset: 15,
    lastEpoch: 3,
    parts: [],
    hasHole: false,
  });
});

test("of two that hold the same offsets the later leader's counts, and nothing older behind it", () => {
  const ranges = [found(0, 100, 1), found(50, 60, 2)];
  expect(runOf(ranges, { end: 0 })).toMatchObject({
    endOffset: 60,
    lastEpoch: 2,
    parts: [
      [0, 50, 1],
      [50, 60, 2],
    ],
  });
  expect(runOf([found(0, 100, 1)], { end: 50, epoch: 2 }).parts).toEqual([]);
});

test("what an older leader wrote counts below a recovery's end only, and the run goes on behind the gap", () => {
  const recoveries = [{ epoch: 3, end: 40, start: 1000 }];
  const ranges = [found(0, 50, [1, 2]), found(50, 80, 2), found(1000, 1010, 3)];
  expect(runOf(ranges, { end: 0, recoveries })).toMatchObject({
    endOffset: 1010,
    lastEpoch: 3,
    parts: [
      [0, 40, 2],
      [1000, 1010, 3],
    ],
  });
  expect(runOf([found(1000, 1010, 2)], { end: 40, recoveries }).parts).toEqual([]);
});

test("two recoveries without a record between them are one gap", () => {
  const recoveries = [
    { epoch: 3, end: 40, start: 1000 },
    { epoch: 4, end: 1000, start: 2000 },
  ];
  const ranges = [found(0, 40), found(2000, 2005, 4)];
  expect(runOf(ranges, { end: 0, recoveries })).toMatchObject({ endOffset: 2005 });
});

test("whatever packs there are, the run is of one lineage, without a hole, and each part lies in its range", () => {
  const range = fc
    .tuple(fc.nat(40), fc.integer({ min: 1, max: 15 }), fc.nat(4), fc.nat(2))
    .map(([base, length, epoch, more]) => found(base, base + length, [epoch, epoch + more]));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 25 }), fc.option(fc.nat(40)), (ranges, end) => {
      const tier = end === null ? null : { endOffset: end, lastEpoch: 1 };
      const { parts, startOffset, endOffset } = recoverFromPacks(ranges, tier, []);
      let next = startOffset;
      let epoch = tier?.lastEpoch ?? -1;
      for (const part of parts) {
        expect(part.fromOffset).toBe(next);
        expect(part.toOffset).toBeGreaterThan(part.fromOffset);
        expect(part.fromOffset).toBeGreaterThanOrEqual(part.range.baseOffset);
        expect(part.toOffset).toBeLessThanOrEqual(part.range.endOffset);
        expect(part.range.lastLeaderEpoch).toBeGreaterThanOrEqual(epoch);
        if (part.toOffset === part.range.endOffset) epoch = part.range.lastLeaderEpoch;
        next = part.toOffset;
      }
      expect(endOffset).toBe(next);
      // It stops only where nobody of this lineage goes on.
      const goesOn = ranges.some(
        (each) =>
          each.range.baseOffset <= next &&
          each.range.endOffset > next &&
          each.range.lastLeaderEpoch >= epoch,
      );
      if (parts.length > 0) expect(goesOn).toBe(false);
    }),
    { numRuns: 500 },
  );
});
