// Whether a write is better done at once than handed to the WAL's thread. Waking a thread and being woken by it takes 40 to 60 us of processor time between
// them on a virtual machine, most of it in the hypervisor; copying 16 KB into the page cache takes 6. But a write may have to wait: for memory, for the file
// system's journal, or because the kernel slows down whoever dirties pages faster than the disk takes them. So only small ones, and none while writes are slow:
// those on the thread count as well, and tell when that is over.

/** What one may take of the thread that serves everybody. */
const budgetMs = 0.03;

const callMs = 0.004;
const msPerByte = 0.25e-6;
/** A write that waited says that the next one may: one alone turns the next dozen to the thread. */
const slownessLimit = 64;
const weight = 1 / 8;

export type WriteCost = {
  isCheap(byteLength: number): boolean;
  note(byteLength: number, tookMs: number): void;
  /** Counts as the slowest there is. */
  noteFailure(): void;
};

export function createWriteCost(): WriteCost {
  /** What writes took lately, as a multiple of what they should. */
  let slowness = 1;
  const expectedMs = (byteLength: number): number => callMs + byteLength * msPerByte;
  const noteLatest = (latest: number): void => {
    // Never below what is expected: a disk that is fast with a few bytes says nothing about copying many.
    slowness = Math.max(1, slowness + (Math.min(latest, slownessLimit) - slowness) * weight);
  };
  return {
    isCheap: (byteLength) => expectedMs(byteLength) * slowness <= budgetMs,
    note: (byteLength, tookMs) => noteLatest(tookMs / expectedMs(byteLength)),
    noteFailure: () => noteLatest(slownessLimit),
  };
}
