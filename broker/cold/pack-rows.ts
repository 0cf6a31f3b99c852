import type { FoundRange } from "../tiering/pack-recovery.ts";
import type { PackRange } from "../tiering/pack.ts";
import type { TierPlace } from "./tier.ts";

// What packs hold, in columns: an hour of a busy cell's packs has millions of ranges, and an object for each would be four times the memory.

/** Gives each partition that any pack names a number. */
export type PlaceNumbers = {
  /** As it was given, or is now. */
  give(place: TierPlace): number;
  /** Null: no pack names it. */
  of(place: TierPlace): number | null;
};

export function createPlaceNumbers(): PlaceNumbers {
  const known = new Map<string, Map<number, number>>();
  let count = 0;
  return {
    give({ topicId, index }) {
      let ofTopic = known.get(topicId);
      if (ofTopic === undefined) known.set(topicId, (ofTopic = new Map()));
      let number = ofTopic.get(index);
      if (number === undefined) ofTopic.set(index, (number = count++));
      return number;
    },
    of: ({ topicId, index }) => known.get(topicId)?.get(index) ?? null,
  };
}

/** One pack's directory. */
export type PackRows = {
  /** Nothing, where the pack has nothing of it. In the pack's order. */
  rangesOf(place: TierPlace, placeNumber: number): FoundRange[];
};

/** The place's number, then the fields of a range: whole numbers below 2^53, all of them. */
const columns = 8;

export function packRowsOf(
  key: string,
  ranges: readonly PackRange[],
  numbers: PlaceNumbers,
): PackRows {
  const numbered = ranges.map((range) => ({ range, number: numbers.give(range) }));
  numbered.sort((a, b) => a.number - b.number);
  const rowCount = ranges.length;
  const cells = new Float64Array(rowCount * columns);
  for (const [row, { range, number }] of numbered.entries()) {
    cells[row * columns] = number;
    writeRange(cells, row, range);
  }
  const numberAt = (row: number): number => cells[row * columns]!;

  /** The first row of that number or a higher one. */
  function firstOf(placeNumber: number): number {
    let [low, high] = [0, rowCount];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (numberAt(middle) < placeNumber) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    rangesOf({ topicId, index }, placeNumber) {
      const found: FoundRange[] = [];
      for (
        let row = firstOf(placeNumber);
        row < rowCount && numberAt(row) === placeNumber;
        row += 1
      )
        found.push({ key, range: { topicId, index, ...rangeAt(cells, row) } });
      return found;
    },
  };
}

function writeRange(cells: Float64Array, row: number, range: PackRange): void {
  const at = row * columns;
  cells[at + 1] = range.baseOffset;
  cells[at + 2] = range.endOffset;
  cells[at + 3] = range.firstLeaderEpoch;
  cells[at + 4] = range.lastLeaderEpoch;
  cells[at + 5] = range.wholeInEpoch;
  cells[at + 6] = range.position;
  cells[at + 7] = range.sizeBytes;
}

function rangeAt(cells: Float64Array, row: number): Omit<PackRange, "topicId" | "index"> {
  const at = row * columns;
  return {
    baseOffset: cells[at + 1]!,
    endOffset: cells[at + 2]!,
    firstLeaderEpoch: cells[at + 3]!,
    lastLeaderEpoch: cells[at + 4]!,
    wholeInEpoch: cells[at + 5]!,
    position: cells[at + 6]!,
    sizeBytes: cells[at + 7]!,
  };
}
