import type { WalFile } from "./wal-file.ts";

// Blocks of footers that were read and checked last: a reader on its way through a file needs the same few for every answer.

export type FooterBlocks = {
  find(file: WalFile, position: number): Uint8Array | undefined;
  keep(file: WalFile, position: number, bytes: Uint8Array): void;
};

/** Of some 4 KiB each. */
const keptBlocks = 256;

export function createFooterBlocks(limit: number = keptBlocks): FooterBlocks {
  /** The least recently used first. A sequence may be given out twice, a file is one object. */
  const kept = new Map<string, { readonly file: WalFile; readonly bytes: Uint8Array }>();
  const keyOf = (file: WalFile, position: number): string => `${file.sequence}:${position}`;
  return {
    find(file, position) {
      const key = keyOf(file, position);
      const found = kept.get(key);
      if (found?.file !== file) return undefined;
      kept.delete(key);
      kept.set(key, found);
      return found.bytes;
    },
    keep(file, position, bytes) {
      const key = keyOf(file, position);
      kept.delete(key);
      kept.set(key, { file, bytes });
      if (kept.size <= limit) return;
      for (const oldest of kept.keys()) {
        kept.delete(oldest);
        return;
      }
    },
  };
}
