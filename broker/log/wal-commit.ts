import type { DiskFile } from "../../ports/disk.ts";
import { DiskError } from "../../ports/disk.ts";
import { assert } from "../assert.ts";
import { slicesOf } from "./hot-ring.ts";
import { recallOldestFile } from "./reading.ts";
import { blockPadding, growAhead, growingBytes } from "./wal-extension.ts";
import { closeHandle, createWalFile, openHandle, walFileName, type WalFile } from "./wal-file.ts";
import {
  abandonUnwritten,
  appendDeferred,
  createSpan,
  notePrevious,
  openSpan,
  type CommitTarget,
  type Span,
  type Wal,
} from "./wal.ts";

// Group commit: while one write is in flight, appends gather in the next span; then that is written whole. One loop, so that commits complete in order.

/** Has what is appended written. Starts after the running code, so that all it appends goes into one commit. */
export function scheduleCommit(wal: Wal): void {
  if (wal.isCommitting || wal.isDead) return;
  wal.isCommitting = true;
  queueMicrotask(() => void commitAll(wal));
}

async function commitAll(wal: Wal): Promise<void> {
  let span: Span | null = null;
  try {
    // A flush beside the commits may have failed.
    while (!wal.isDead) {
      span = takeSpan(wal);
      if (span !== null) await commitSpan(wal, span);
      else if (wal.isFlushWanted && wal.dirtyFile !== null) await flushDirty(wal);
      else break;
    }
  } catch (error) {
    failWal(wal, error);
  }
  if (wal.isDead) {
    // Those of the others have been told.
    for (const waiter of span?.waiters ?? []) waiter(false);
    return;
  }
  wal.isFlushWanted = false;
  wal.isCommitting = false;
  for (const waiter of wal.idleWaiters.splice(0)) waiter();
}

/** The process cannot go on; nothing is acknowledged from here on. */
export function failWal(wal: Wal, error: unknown): void {
  if (wal.isDead) return;
  wal.isDead = true;
  wal.cancelFlushTimer?.();
  wal.cancelRetry?.();
  const cause = error instanceof Error ? error : new Error(String(error));
  wal.log.error("the WAL cannot be trusted any more, stopping", { error: cause.message });
  wal.onFatal(cause);
  for (const span of wal.spans) for (const waiter of span.waiters) waiter(false);
  for (const waiter of wal.idleWaiters.splice(0)) waiter();
}

const takeSpan = (wal: Wal): Span | null => {
  const span = wal.spans[0];
  if (span === undefined) return null;
  const isOpen = wal.spans.length === 1 && span.file === wal.current;
  const isEmpty = span.end === span.start;
  if (isEmpty && isOpen && span.waiters.length === 0) return null;
  wal.spans.shift();
  if (isOpen) wal.spans.push(createSpan(span.file, span.end));
  return span;
};

async function commitSpan(wal: Wal, span: Span): Promise<void> {
  // Damage in a file is told from a torn end by this: what a later file follows was flushed.
  if (wal.dirtyFile !== null && wal.dirtyFile !== span.file) await flushDirty(wal);
  const previous = wal.files[wal.files.indexOf(span.file) - 1];
  if (span.start === 0 && previous !== undefined) wal.onSettled(previous);
  const startMs = wal.clock.monotonicMs();
  if (span.end > span.start && !(await writeSpan(wal, span))) return;
  if (wal.isDead) return;
  complete(wal, span, false);
  if (span.needsFlush) {
    await flushDirty(wal);
    growAhead(wal, span.file, span.end - span.start);
    complete(wal, span, true);
  } else startFlushTimer(wal);
  for (const control of span.controls) control.onCommitted?.();
  for (const waiter of span.waiters) waiter(true);
  const { counters } = wal;
  const tookMs = wal.clock.monotonicMs() - startMs;
  counters.commits += 1;
  counters.commitMsSum += tookMs;
  counters.commitMsMax = Math.max(counters.commitMsMax, tookMs);
}

async function writeSpan(wal: Wal, span: Span): Promise<boolean> {
  const { file } = span;
  assert(file.writtenEnd === span.start, "commits are written one behind the other");
  const chunks = slicesOf(wal.ring, file.address! + span.start, span.end - span.start);
  assert(chunks !== null, "what is not written is in the ring");
  const padding = blockPadding(file, span.end);
  if (padding !== null) chunks.push(padding);
  try {
    const handle = await openHandle(wal.disk, file);
    await handle.write(chunks, span.start);
  } catch (error) {
    // Nothing will ever be written again: going on would be to fail every second and recover never.
    if (wal.isDead || (error instanceof DiskError && error.code === "closed")) throw error;
    failWrite(wal, span, error);
    return false;
  }
  file.writtenEnd = span.end;
  wal.dirtyFile = file;
  // A sealed file's last chunk is done with, though the file does not fill it.
  const isLast = wal.current !== file && wal.spans[0]?.file !== file;
  wal.ring.writtenEnd = file.address! + (isLast ? file.fileBytes : span.end);
  wal.counters.writtenBytes += span.end - span.start;
  wal.onRoom();
  return true;
}

/** Tells the targets that a write (or, `afterFlush`, a flush) made complete. */
const complete = (wal: Wal, span: Span, afterFlush: boolean): void => {
  const done: CommitTarget[] = [];
  for (const [place, target] of span.targets.entries()) {
    if (span.flushes[place] !== afterFlush) continue;
    target.completeCommit(span.endOffsets[place]!);
    done.push(target);
  }
  if (done.length > 0) wal.onCommitted(done);
};

/** Flushes the file written to last. A failed flush is never tried again: the kernel has dropped the pages and would report success. */
async function flushDirty(wal: Wal): Promise<void> {
  // Much of it is on its way already.
  await wal.flushingBeside;
  const file = wal.dirtyFile;
  if (file === null) return;
  wal.cancelFlushTimer?.();
  wal.cancelFlushTimer = null;
  wal.isFlushWanted = false;
  const end = file.writtenEnd;
  await flushFile(wal, file, { besideWrites: false });
  assert(wal.dirtyFile === file && file.writtenEnd === end, "commits wait for this flush");
  wal.dirtyFile = null;
}

async function flushFile(
  wal: Wal,
  file: WalFile,
  options: { readonly besideWrites: boolean },
): Promise<void> {
  const end = file.writtenEnd;
  const startMs = wal.clock.monotonicMs();
  const handle: DiskFile = await openHandle(wal.disk, file);
  await handle.flush(options);
  file.flushedEnd = end;
  const { counters } = wal;
  const tookMs = wal.clock.monotonicMs() - startMs;
  counters.flushes += 1;
  counters.flushMsSum += tookMs;
  counters.flushMsMax = Math.max(counters.flushMsMax, tookMs);
}

const startFlushTimer = (wal: Wal): void => {
  const isUnderWay = wal.cancelFlushTimer !== null || wal.flushingBeside !== null;
  if (isUnderWay || wal.dirtyFile === null || wal.isClosed || wal.isDead) return;
  wal.cancelFlushTimer = wal.clock.after(wal.flushIntervalMs, () => {
    wal.cancelFlushTimer = null;
    flushBeside(wal);
  });
};

/** What the interval asks for, nobody waits for: a flush of what a second has brought takes a tenth of one, and commits would stand still for it. */
function flushBeside(wal: Wal): void {
  const file = wal.dirtyFile;
  // Commits that fail have ended it, or a flush that somebody waits for does all of it.
  if (file === null || wal.isDead) return;
  const end = file.writtenEnd;
  wal.flushingBeside = flushFile(wal, file, { besideWrites: true }).then(
    () => {
      wal.flushingBeside = null;
      if (wal.dirtyFile === file && file.writtenEnd === end) wal.dirtyFile = null;
      startFlushTimer(wal);
    },
    (error: unknown) => {
      wal.flushingBeside = null;
      failWal(wal, error);
    },
  );
}

/**
 * A write failed, perhaps half done. Everything not yet written is dropped and its logs are told; what is no batch is appended anew. The WAL goes on in another
 * file, whose header says that this one ends where it last was whole.
 */
const failWrite = (wal: Wal, span: Span, error: unknown): void => {
  wal.counters.failedWrites += 1;
  wal.log.error("a write to the WAL failed", { file: span.file.path, error: String(error) });
  wal.spans.unshift(span);
  const lost = abandonUnwritten(wal);
  const targets = new Set<CommitTarget>();
  const controls = [];
  const waiters = [];
  for (const each of lost) {
    for (const target of each.targets) targets.add(target);
    controls.push(...each.controls);
    waiters.push(...each.waiters);
  }
  const discarded: WalFile[] = [];
  while (wal.files.at(-1)?.writtenEnd === 0) {
    // Nothing of it counts, so it never was.
    const file = wal.files.pop()!;
    wal.previous = file.before!;
    discarded.push(file);
    void discardFile(wal, file);
  }
  notePrevious(wal);
  const last = wal.files.at(-1);
  wal.ring.writtenEnd = (last?.address ?? 0) + (last?.fileBytes ?? 0);
  wal.ring.appendedEnd = wal.ring.writtenEnd;
  wal.deferred.unshift(...controls);
  void prepareNext(wal);
  wal.onFailed([...targets], discarded);
  for (const waiter of waiters) waiter(false);
  wal.onRoom();
};

/** Not kept as a spare: it may be bad, or not as long as it should be, and its sequence may be given out again while it still has entries under it. */
async function discardFile(wal: Wal, file: WalFile): Promise<void> {
  try {
    await closeHandle(file);
    await wal.disk.remove(file.path);
  } catch (error) {
    // The name stays; the next start finds no chain leading to it and reuses the file.
    wal.log.warn("cannot remove a WAL file", { path: file.path, error: String(error) });
  }
}

const retryMs = 1_000;

/** Gets the file ready that the WAL goes on in, so that going on takes no time. Tries again until it succeeds. */
export function prepareNext(wal: Wal): Promise<void> {
  if (wal.isPreparing || wal.next !== null || wal.isClosed || wal.isDead) return wal.preparing;
  wal.isPreparing = true;
  wal.preparing = prepare(wal);
  return wal.preparing;
}

async function prepare(wal: Wal): Promise<void> {
  wal.cancelRetry?.();
  wal.cancelRetry = null;
  let failure: string | null;
  try {
    failure = (await openNext(wal)) ? null : "the disk is full";
    if (failure !== null) recallOldestFile(wal.reading);
  } catch (error) {
    failure = String(error);
  }
  finishPreparing(wal, failure);
}

async function openNext(wal: Wal): Promise<boolean> {
  const sequence = wal.nextSequence;
  const path = `${wal.directory}/${walFileName(sequence)}`;
  const growing = growingBytes(wal);
  let taken = await wal.pool.take(path, growing);
  // To let go of data takes room here: what waits to say so may have what is kept free on a full disk.
  const isForControls = taken === null && wal.deferred.length > 0;
  if (isForControls) taken = await wal.pool.takeKeptFree(path, growing);
  if (taken === null) return false;
  wal.nextSequence = sequence + 1;
  const { fileBytes } = wal;
  const address = sequence * fileBytes;
  wal.next = createWalFile({ sequence, path, fileBytes, address, handle: taken.file });
  wal.next.allocatedEnd = taken.allocatedBytes;
  wal.next.isForControls = isForControls;
  return true;
}

const finishPreparing = (wal: Wal, failure: string | null): void => {
  wal.isPreparing = false;
  if (failure === null) {
    if (wal.refusal !== null) wal.log.info("the WAL can grow again");
    wal.refusal = null;
    wal.pool.makeReserve(growingBytes(wal));
    // It may have been taken between being ready and this.
    void prepareNext(wal);
  } else {
    if (wal.refusal === null) wal.log.error("no file for the WAL to go on in", { reason: failure });
    wal.refusal = failure;
    if (!wal.isClosed) wal.cancelRetry = wal.clock.after(retryMs, () => void prepareNext(wal));
  }
  wal.onRoom();
};

/** Resolves true once everything appended so far is on stable storage; false if part of it was dropped by a failed write. */
export async function flushAll(wal: Wal): Promise<boolean> {
  for (;;) {
    const waiting = wal.deferred.length;
    if (!(await flushOnce(wal))) return false;
    if (waiting === 0) return true;
    // What was appended in the meantime may have made room; if not, it is not known when there will be.
    appendDeferred(wal);
    if (wal.deferred.length >= waiting) return false;
  }
}

async function flushOnce(wal: Wal): Promise<boolean> {
  if (wal.isDead) return false;
  if (wal.current === null) {
    return wal.deferred.length === 0 && wal.dirtyFile === null ? true : waitIdle(wal);
  }
  const span = openSpan(wal);
  span.needsFlush = true;
  const flushed = new Promise<boolean>((resolve) => span.waiters.push(resolve));
  scheduleCommit(wal);
  return flushed;
}

async function waitIdle(wal: Wal): Promise<boolean> {
  appendDeferred(wal);
  wal.isFlushWanted = true;
  const idle = new Promise<void>((resolve) => wal.idleWaiters.push(resolve));
  scheduleCommit(wal);
  await idle;
  return !wal.isDead && wal.deferred.length === 0;
}
