/** Memory lent until `giveBack` is called. */
export type Place = { readonly bytes: Uint8Array; readonly giveBack: () => void };

/** Memory of a fixed size in all, in slabs that are lent whole or in equal parts. */
export type Slabs = {
  takeWhole(): Place | null;
  takePart(): Place | null;
};

type Slab = { readonly bytes: Uint8Array; readonly freeParts: Uint8Array[] };

/** `limit` slabs, each allocated when first needed. What was given back last is lent first: it may still be in the processor's cache. */
export function createSlabs(options: {
  limit: number;
  slabBytes: number;
  partBytes: number;
}): Slabs {
  const { limit, slabBytes, partBytes } = options;
  const free: Slab[] = [];
  const cut: Slab[] = [];
  let allocatedCount = 0;

  const takeSlab = (): Slab | null => {
    const known = free.pop();
    if (known !== undefined) return known;
    const whole = cut.findIndex(({ freeParts }) => freeParts.length * partBytes === slabBytes);
    if (whole >= 0) return cut.splice(whole, 1)[0]!;
    if (allocatedCount === limit) return null;
    allocatedCount += 1;
    return { bytes: new Uint8Array(slabBytes), freeParts: [] };
  };

  const cutOne = (): Slab | null => {
    const slab = takeSlab();
    if (slab === null) return null;
    slab.freeParts.length = 0;
    for (let at = 0; at < slabBytes; at += partBytes) {
      slab.freeParts.push(slab.bytes.subarray(at, at + partBytes));
    }
    cut.push(slab);
    return slab;
  };

  return {
    takeWhole() {
      const slab = takeSlab();
      return slab === null ? null : { bytes: slab.bytes, giveBack: () => free.push(slab) };
    },
    takePart() {
      const slab = cut.findLast(({ freeParts }) => freeParts.length > 0) ?? cutOne();
      const bytes = slab?.freeParts.pop();
      if (slab === null || bytes === undefined) return null;
      return { bytes, giveBack: () => slab.freeParts.push(bytes) };
    },
  };
}
