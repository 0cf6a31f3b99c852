/** Memory lent until `giveBack` is called. */
export type Place = { readonly bytes: Uint8Array; readonly giveBack: () => void };

/** Memory of a fixed size in all, in slabs that are lent whole, in quarters, or in quarters of these. */
export type Slabs = {
  /** What the sizes are, the slab's first. */
  readonly sizes: readonly number[];
  /** Of the size at `level`; null if there is none. */
  take(level: number): Place | null;
};

/** A place of one level, cut into four of the next. */
type Cut = { readonly whole: Place; readonly freeParts: Uint8Array[] };

const cutInto = 4;
const levels = 3;

/** `limit` slabs, each allocated when first needed. What was given back last is lent first: it may still be in the processor's cache. */
export function createSlabs({ limit, slabBytes }: { limit: number; slabBytes: number }): Slabs {
  const sizes = Array.from({ length: levels }, (_, level) => slabBytes / cutInto ** level);
  const freeSlabs: Uint8Array[] = [];
  /** By the level of their parts. */
  const cuts: Cut[][] = sizes.map(() => []);
  let allocatedCount = 0;

  const slab = (): Place | null => {
    let bytes = freeSlabs.pop();
    if (bytes === undefined && allocatedCount < limit) {
      allocatedCount += 1;
      bytes = new Uint8Array(slabBytes);
    }
    if (bytes === undefined) return null;
    const lent = bytes;
    return { bytes: lent, giveBack: () => freeSlabs.push(lent) };
  };

  const partOf = (cut: Cut | undefined): Place | null => {
    const bytes = cut?.freeParts.pop();
    if (cut === undefined || bytes === undefined) return null;
    return { bytes, giveBack: () => cut.freeParts.push(bytes) };
  };

  const cutOne = (level: number): Place | null => {
    const whole = take(level - 1);
    if (whole === null) return null;
    const size = sizes[level]!;
    const freeParts = Array.from({ length: cutInto }, (_, part) =>
      whole.bytes.subarray(part * size, (part + 1) * size),
    );
    const cut = { whole, freeParts };
    cuts[level]!.push(cut);
    return partOf(cut);
  };

  /** Puts parts together again that are all free. True if there are any. */
  const join = (level: number): boolean => {
    if (level >= levels) return false;
    join(level + 1);
    const parted = cuts[level]!.filter(({ freeParts }) => freeParts.length < cutInto);
    const isJoined = parted.length < cuts[level]!.length;
    for (const { whole, freeParts } of cuts[level]!) {
      if (freeParts.length === cutInto) whole.giveBack();
    }
    cuts[level] = parted;
    return isJoined;
  };

  const freePart = (level: number): Place | null =>
    partOf(cuts[level]!.findLast(({ freeParts }) => freeParts.length > 0));

  // Looking for a slab to cut has put together what could be: the part wanted may be among it.
  const take = (level: number): Place | null =>
    level === 0
      ? (slab() ?? (join(1) ? slab() : null))
      : (freePart(level) ?? cutOne(level) ?? freePart(level));

  return { sizes, take };
}
