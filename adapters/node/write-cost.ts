// Whether a write is better done at once than handed to the WAL's thread. Waking a thread and being woken by it takes 40 to 60 us of processor time between
// them on a virtual machine, most of it in the hypervisor; copying 16 KB into the page cache takes 6. But a write may have to wait: for memory, for the file
// system's journal, or because the kernel slows down whoever dirties pages faster than the disk takes them. So only small ones, and none while writes are slow:
// those on the thread count as well, and tell when that is over.

/** What one may take of the thread that serves everybody: no more than handing it over takes where several processes want the processors. */
const budgetMs = 0.1;
/** Copying more is what the other thread is for, however quick it is. */
const mostBytes = 100_000;

const callMs = 0.004;
const msPerByte = 0.25e-6;
/** A write that took so long may have waited for the disk, and counts twice; one that took as long as a stall surely did, and the next one may wait as long. */
const longMs = 10;
const stallMs = 50;
/** Of so many writes the middle one tells: one that was slow alone lost the processor meanwhile, as any code may, and would have on the thread too. */
const judged = 5;

const weightOf = (tookMs: number): number => {
  if (tookMs >= stallMs) return judged;
  return tookMs >= longMs ? 2 : 1;
};

export type WriteCost = {
  isCheap(byteLength: number): boolean;
  note(byteLength: number, tookMs: number): void;
  /** Counts as the slowest there is. */
  noteFailure(): void;
};

export function createWriteCost(): WriteCost {
  /** What the latest writes took, as multiples of what they should; the oldest first. */
  let latest: readonly number[] = Array.from({ length: judged }, () => 1);
  let slowness = 1;
  const expectedMs = (byteLength: number): number => callMs + byteLength * msPerByte;
  const noteLatest = (multiple: number, times: number): void => {
    latest = [...latest, ...Array.from({ length: times }, () => multiple)].slice(-judged);
    // Never below what is expected: a disk that is fast with a few bytes says nothing about copying many.
    slowness = Math.max(1, latest.toSorted((a, b) => a - b)[(judged - 1) / 2] ?? 1);
  };
  return {
    isCheap: (byteLength) =>
      byteLength <= mostBytes && expectedMs(byteLength) * slowness <= budgetMs,
    note: (byteLength, tookMs) => noteLatest(tookMs / expectedMs(byteLength), weightOf(tookMs)),
    noteFailure: () => noteLatest(Infinity, judged),
  };
}
