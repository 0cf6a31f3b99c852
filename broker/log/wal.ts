import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import { crc32c } from "../../protocol/records/crc32c.ts";
import { assert } from "../assert.ts";
import type { LogOutput } from "../log-output.ts";
import type { CheckpointCapture } from "./checkpoint-capture.ts";
import type { HotRing } from "./hot-ring.ts";
import { copyIn, discardFrom, reserve } from "./hot-ring.ts";
import {
  encodeFileHeader,
  entryBytes,
  entryHeaderBytes,
  fileHeaderBytes,
  writeEntryHeader,
  type EntryKind,
} from "./wal-entry.ts";
import type { WalFile } from "./wal-file.ts";
import { footerBytes } from "./wal-footer.ts";
import { createFileIndex, type FileIndex } from "./wal-index.ts";
import { createReading, type Reading } from "./reading.ts";
import type { FilePool } from "./wal-pool.ts";

// The end of the WAL that grows: entries are put in the ring one behind the other, and collected in spans. A span is what one commit will write; the last one
// takes what is appended while the one before it is being written (wal-commit.ts).

/** What a commit tells of: a log, seen from the WAL. */
export type CommitTarget = {
  /** The span its latest appends are in, and its place there. */
  span: Span | null;
  spanPlace: number;
  /** A commit that held its appends up to `endOffset` is complete. */
  completeCommit(endOffset: number): void;
};

export type Span = {
  readonly file: WalFile;
  readonly start: number;
  end: number;
  readonly targets: CommitTarget[];
  readonly endOffsets: number[];
  /** Whether the target waits for the flush. */
  readonly flushes: boolean[];
  /** To be appended again should the write fail. */
  readonly controls: ControlEntry[];
  readonly waiters: ((isCommitted: boolean) => void)[];
  needsFlush: boolean;
};

/** An entry that is not a batch. It is never refused: without room it waits its turn before everything else. */
export type ControlEntry = {
  readonly kind: EntryKind;
  /** None by default. */
  readonly flags?: number;
  readonly partition: number;
  readonly baseOffset: number;
  readonly body: Uint8Array;
  /** It is committed once it is flushed. */
  readonly needsFlush?: boolean;
  readonly onCommitted: (() => void) | null;
};

export type WalOptions = {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly directory: string;
  readonly fileBytes: number;
  readonly flushIntervalMs: number;
  readonly readBytes: number;
  readonly onFatal: (error: Error) => void;
  /** Logs whose `logEndOffset` has grown. Lent. */
  readonly onCommitted: (targets: readonly CommitTarget[]) => void;
  /** Logs whose appends were dropped, after a failed write, and files of which nothing is left. Lent. */
  readonly onFailed: (targets: readonly CommitTarget[], discarded: readonly WalFile[]) => void;
  /** The WAL goes on in another file from this moment: everything appended so far is before it. */
  readonly onRotate: (next: WalFile) => void;
  /** All of it is written and flushed, and no entry will follow. */
  readonly onSettled: (file: WalFile) => void;
  /** There may be room now. */
  readonly onRoom: () => void;
};

export type Wal = WalOptions & {
  readonly ring: HotRing;
  readonly pool: FilePool;
  /** Ascending; those with entries, the open one last. */
  readonly files: WalFile[];
  /** The file that takes entries; null before the first, and after a failed write. */
  current: WalFile | null;
  /** Prepared to follow `current`. */
  next: WalFile | null;
  nextSequence: number;
  isPreparing: boolean;
  /** Settles when the preparing under way is over. */
  preparing: Promise<void>;
  /** Why no file can follow, or null. */
  refusal: string | null;
  entrySequence: number;
  previousPartition: number;
  /** The file the next one's header names as the one before, though it may have been reclaimed. */
  previous: { readonly sequence: number; readonly end: number };
  readonly spans: Span[];
  readonly deferred: ControlEntry[];
  /** Where the last look for files to reclaim had to stop; 0 if it came to the end. */
  surveyedSequence: number;
  /** The state of the logs that is being encoded: it is told before a log changes. */
  capture: CheckpointCapture | null;
  /** Written to since its last flush. */
  dirtyFile: WalFile | null;
  /** The flush of the interval, which commits go on beside; null while there is none. */
  flushingBeside: Promise<void> | null;
  isCommitting: boolean;
  isFlushWanted: boolean;
  cancelFlushTimer: (() => void) | null;
  cancelRetry: (() => void) | null;
  isDead: boolean;
  isClosed: boolean;
  readonly idleWaiters: (() => void)[];
  readonly counters: WalCounters;
  readonly reading: Reading;
};

export type WalCounters = {
  appendedBytes: number;
  writtenBytes: number;
  commits: number;
  flushes: number;
  failedWrites: number;
  commitMsSum: number;
  commitMsMax: number;
  flushMsSum: number;
  flushMsMax: number;
};

export function createWal(
  options: WalOptions,
  parts: { ring: HotRing; pool: FilePool; files: WalFile[]; nextSequence: number },
): Wal {
  return {
    ...options,
    ...parts,
    current: null,
    next: null,
    isPreparing: false,
    preparing: Promise.resolve(),
    refusal: null,
    entrySequence: 0,
    previousPartition: 0,
    previous: { sequence: 0, end: 0 },
    spans: [],
    deferred: [],
    surveyedSequence: 0,
    capture: null,
    dirtyFile: null,
    flushingBeside: null,
    isCommitting: false,
    isFlushWanted: false,
    cancelFlushTimer: null,
    cancelRetry: null,
    isDead: false,
    isClosed: false,
    idleWaiters: [],
    reading: createReading(options),
    counters: {
      appendedBytes: 0,
      writtenBytes: 0,
      commits: 0,
      flushes: 0,
      failedWrites: 0,
      commitMsSum: 0,
      commitMsMax: 0,
      flushMsSum: 0,
      flushMsMax: 0,
    },
  };
}

/** The largest body that fits into a file of its own. */
export const maxBodyBytes = (fileBytes: number): number =>
  fileBytes - fileHeaderBytes - footerBytes(1, 1) - entryHeaderBytes - 8;

const footerRoom = (index: FileIndex, moreRows: number): number =>
  footerBytes(index.count + moreRows, index.pieces.size + index.copies.size + moreRows);

/** Without a file to follow, the open one keeps this for what is no batch: on a full disk a topic can still be dropped, which is what frees space. */
const controlRoom = ({ next, current, fileBytes }: Wal): number => {
  if (next !== null) return 0;
  return current?.isForControls === true
    ? fileBytes
    : Math.min(64 * 1024, Math.floor(fileBytes / 64));
};

/** Whether an entry of that many bytes fits into the open file and leaves `room` there. */
const fitsWith = (wal: Wal, size: number, room: number): boolean => {
  const { current } = wal;
  return (
    current !== null &&
    current.end + size + room + footerRoom(current.index!, 1) <= current.fileBytes
  );
};

/** Whether a batch with an entry of that many bytes may go into the open file. */
export const fitsCurrent = (wal: Wal, size: number): boolean =>
  fitsWith(wal, size, controlRoom(wal));

/** Whether a batch of that size could be appended now. It may let go of the oldest bytes in the ring. */
export const hasSpace = (wal: Wal, batchBytes: number): boolean =>
  canPut(wal, batchBytes, { room: controlRoom(wal), mayUse: (next) => !next.isForControls });

const forControls = { room: 0, mayUse: () => true };

const canPut = (
  wal: Wal,
  bodyBytes: number,
  { room, mayUse }: { readonly room: number; readonly mayUse: (next: WalFile) => boolean },
): boolean => {
  if (wal.isDead || wal.isClosed) return false;
  const size = entryBytes(bodyBytes);
  const { current, next, ring } = wal;
  if (current !== null && fitsWith(wal, size, room)) {
    return reserve(ring, current.address! + current.end, size);
  }
  return next !== null && mayUse(next) && reserve(ring, next.address!, fileHeaderBytes + size);
};

/** The newest file takes no more entries. */
export function notePrevious(wal: Wal): void {
  const last = wal.files.at(-1);
  if (last === undefined || last.sequence < wal.previous.sequence) return;
  wal.previous = { sequence: last.sequence, end: last.end };
}

const rotate = (wal: Wal): void => {
  const { next } = wal;
  assert(next !== null, "a file is ready before the WAL goes on in it");
  notePrevious(wal);
  next.before = wal.previous;
  wal.files.push(next);
  wal.current = next;
  wal.next = null;
  wal.entrySequence = 0;
  wal.previousPartition = 0;
  next.index = createFileIndex();
  next.end = fileHeaderBytes;
  const header = encodeFileHeader({
    sequence: next.sequence,
    fileBytes: next.fileBytes,
    previousSequence: wal.previous.sequence,
    previousEnd: wal.previous.end,
  });
  copyIn(wal.ring, next.address!, header);
  const open = wal.spans.at(-1);
  if (open !== undefined && open.end === open.start && open.waiters.length === 0) wal.spans.pop();
  wal.spans.push(createSpan(next, 0));
  wal.spans.at(-1)!.end = fileHeaderBytes;
  wal.onRotate(next);
};

export const createSpan = (file: WalFile, start: number): Span => ({
  file,
  start,
  end: start,
  targets: [],
  endOffsets: [],
  flushes: [],
  controls: [],
  waiters: [],
  needsFlush: false,
});

/** The span that takes what is appended now. */
export function openSpan(wal: Wal): Span {
  const last = wal.spans.at(-1);
  assert(last !== undefined && last.file === wal.current, "the last span is of the open file");
  return last;
}

export type AppendedEntry = {
  readonly kind: EntryKind;
  readonly flags: number;
  readonly partition: number;
  readonly baseOffset: number;
  readonly leaderEpoch: number;
};

const headerScratch = new Uint8Array(entryHeaderBytes);

/** Puts an entry at the end and returns where in `wal.current` its body begins. `hasSpace` has just said there is room. */
export function appendEntry(wal: Wal, entry: AppendedEntry, body: Uint8Array): number {
  const size = entryBytes(body.length);
  if (!fitsWith(wal, size, 0)) rotate(wal);
  wal.capture?.keep(entry.partition);
  const file = wal.current!;
  const span = openSpan(wal);
  const at = file.end;
  assert(at === span.end, "a span is contiguous");
  writeEntryHeader(headerScratch, {
    ...entry,
    length: body.length,
    fileSequence: file.sequence,
    entrySequence: wal.entrySequence,
    commitStart: span.start,
    flushedEnd: file.flushedEnd,
    bodyCrc: entry.kind === "append" ? 0 : crc32c(body),
    previousPartition: wal.previousPartition,
  });
  copyIn(wal.ring, file.address! + at, headerScratch);
  copyIn(wal.ring, file.address! + at + entryHeaderBytes, body);
  file.end = at + size;
  span.end = file.end;
  wal.ring.appendedEnd = file.address! + file.end;
  wal.entrySequence += 1;
  wal.previousPartition = entry.partition;
  wal.counters.appendedBytes += size;
  return at + entryHeaderBytes;
}

/** Has the commit of the open span tell `target` when everything up to `endOffset` is written, or flushed. */
export function touch(
  wal: Wal,
  target: CommitTarget,
  commit: { endOffset: number; needsFlush: boolean },
): void {
  const span = openSpan(wal);
  if (target.span !== span) {
    target.span = span;
    target.spanPlace = span.targets.length;
    span.targets.push(target);
    span.endOffsets.push(commit.endOffset);
    span.flushes.push(commit.needsFlush);
  } else {
    span.endOffsets[target.spanPlace] = commit.endOffset;
    if (commit.needsFlush) span.flushes[target.spanPlace] = true;
  }
  if (commit.needsFlush) span.needsFlush = true;
}

/** Appends the entry, or has it wait for room before anything else is appended. True if it is appended. */
export function appendControl(wal: Wal, control: ControlEntry): boolean {
  wal.capture?.keep(control.partition);
  if (wal.deferred.length > 0 || !canPut(wal, control.body.length, forControls)) {
    wal.deferred.push(control);
    return false;
  }
  putControl(wal, control);
  return true;
}

const putControl = (wal: Wal, control: ControlEntry): void => {
  const { kind, flags = 0, partition, baseOffset, body } = control;
  appendEntry(wal, { kind, flags, partition, baseOffset, leaderEpoch: -1 }, body);
  const span = openSpan(wal);
  span.controls.push(control);
  if (control.needsFlush === true) span.needsFlush = true;
};

/** Appends what waits, as far as there is room. True if nothing waits any more. */
export function appendDeferred(wal: Wal): boolean {
  while (wal.deferred.length > 0) {
    if (!canPut(wal, wal.deferred[0]!.body.length, forControls)) return false;
    putControl(wal, wal.deferred.shift()!);
  }
  return true;
}

/** After a failed write: what was not written of the files is void. Returns the spans that are lost. */
export function abandonUnwritten(wal: Wal): Span[] {
  const lost = wal.spans.splice(0);
  for (const file of new Set(lost.map((span) => span.file))) {
    discardFrom(wal.ring, file.address! + file.writtenEnd);
    file.end = file.writtenEnd;
  }
  wal.current = null;
  return lost;
}
