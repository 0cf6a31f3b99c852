import type { Disk, DiskFile } from "../../ports/disk.ts";
import { assert } from "../assert.ts";
import type { FooterPiece, FooterSummary } from "./wal-footer.ts";
import type { FileIndex } from "./wal-index.ts";

/** One file of the WAL: open (the last, takes entries) or sealed. */
export type WalFile = {
  readonly sequence: number;
  readonly path: string;
  fileBytes: number;
  /** Ring address of its first byte; null for a file of an earlier run, none of which is in the ring. */
  readonly address: number | null;
  /** Opened when first needed. */
  handle: Promise<DiskFile> | null;
  /** Where its entries end: appended, completely written, known to be on stable storage. */
  end: number;
  writtenEnd: number;
  flushedEnd: number;
  /** How much of it is on the disk, whether entries or not. */
  allocatedEnd: number;
  /** Of all its batches, while the file is open, in the ring, or has no footer yet. */
  index: FileIndex | null;
  footer: FooterSummary | null;
  /** Something in it that counted when its footer was last read: as long as that does, the file stays. */
  livePiece: FooterPiece | null;
  /** Reads under way and ranges that may still be read. */
  pinCount: number;
  /** Holds nothing that counts any more; recycled when the last pin goes. */
  isRetired: boolean;
  /** The file the WAL came from, and its end, as this file's header says; null for files of earlier runs. */
  before: { readonly sequence: number; readonly end: number } | null;
  onUnpinned: (() => void) | null;
  /** Taken from what is kept free on a full disk: no batch goes there until another file can follow it. */
  isForControls: boolean;
};

const namePattern = /^wal-(\d{10})\.log$/;

export const walFileName = (sequence: number): string =>
  `wal-${String(sequence).padStart(10, "0")}.log`;

/** The sequence in a WAL file's name; null for other names. */
export function sequenceOfName(name: string): number | null {
  const match = namePattern.exec(name);
  return match === null ? null : Number(match[1]);
}

export function createWalFile(options: {
  sequence: number;
  path: string;
  fileBytes: number;
  address: number | null;
  handle: DiskFile | null;
}): WalFile {
  const { handle, ...rest } = options;
  return {
    ...rest,
    handle: handle === null ? null : Promise.resolve(handle),
    end: 0,
    writtenEnd: 0,
    flushedEnd: 0,
    allocatedEnd: 0,
    index: null,
    footer: null,
    livePiece: null,
    pinCount: 0,
    isRetired: false,
    before: null,
    onUnpinned: null,
    isForControls: false,
  };
}

export function openHandle(disk: Disk, file: WalFile): Promise<DiskFile> {
  if (file.handle === null) {
    const opening = disk.open(file.path);
    file.handle = opening;
    // A later read may find it; this one's caller learns of the failure from the promise.
    opening.catch(() => {
      if (file.handle === opening) file.handle = null;
    });
  }
  return file.handle;
}

export async function closeHandle(file: WalFile): Promise<void> {
  const { handle } = file;
  file.handle = null;
  if (handle !== null) await (await handle).close();
}

export function pinFile(file: WalFile): void {
  file.pinCount += 1;
}

export function unpinFile(file: WalFile): void {
  assert(file.pinCount > 0, "a file is unpinned as often as it was pinned");
  file.pinCount -= 1;
  if (file.pinCount === 0) file.onUnpinned?.();
}

/** Reads until `target` is full; false at the end of the file. */
export async function readFully(
  handle: DiskFile,
  target: Uint8Array,
  position: number,
): Promise<boolean> {
  for (let at = 0; at < target.length;) {
    const count = await handle.read(target.subarray(at), position + at);
    if (count === 0) return false;
    at += count;
  }
  return true;
}
