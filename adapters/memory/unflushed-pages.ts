/** Kernels write back whole pages, in any order. */
export const pageBytes = 4096;

/** What a file's pages held at its last flush, of those that have changed since, and how large it was. */
export type Unflushed = { readonly pages: ReadonlyMap<number, Uint8Array>; readonly size: number };

export type UnflushedPages = {
  /** Before the bytes [from, to) change. */
  remember(from: number, to: number): void;
  /** A flush is under way: what changes from here on is not part of it. */
  beginFlush(size: number): void;
  flushed(size: number): void;
  /** The kernel takes the pages for clean, so that no later flush writes them unless they are written to again (fsync(2), "fsyncgate"). */
  flushFailed(): void;
  /** Those too that are not on the disk though the kernel thinks so. */
  now(): Unflushed;
};

/** `slice`: a copy of the file's bytes as they are. */
export function createUnflushedPages(
  initialSize: number,
  slice: (from: number, to: number) => Uint8Array,
): UnflushedPages {
  let size = initialSize;
  let pages = new Map<number, Uint8Array>();
  let sinceBegun: { readonly pages: Map<number, Uint8Array>; readonly size: number } | null = null;
  const missing = new Map<number, Uint8Array>();

  function rememberIn(
    known: Map<number, Uint8Array>,
    { from, to, limit }: { from: number; to: number; limit: number },
  ): void {
    for (let page = Math.floor(from / pageBytes); page * pageBytes < to; page++) {
      if (known.has(page)) continue;
      known.set(page, slice(page * pageBytes, Math.min((page + 1) * pageBytes, limit)));
    }
  }

  /** What changed meanwhile is as unflushed as before. */
  function end(): void {
    pages = sinceBegun?.pages ?? new Map();
    sinceBegun = null;
  }

  return {
    remember(from, to) {
      rememberIn(pages, { from, to, limit: size });
      if (sinceBegun !== null) rememberIn(sinceBegun.pages, { from, to, limit: sinceBegun.size });
    },
    beginFlush(sizeThen) {
      sinceBegun ??= { pages: new Map(), size: sizeThen };
    },
    flushed(sizeNow) {
      for (const page of pages.keys()) missing.delete(page);
      size = sinceBegun?.size ?? sizeNow;
      end();
    },
    flushFailed() {
      for (const [page, before] of pages) if (!missing.has(page)) missing.set(page, before);
      end();
    },
    now: () => ({
      pages: missing.size === 0 ? pages : new Map([...pages, ...missing]),
      size,
    }),
  };
}
