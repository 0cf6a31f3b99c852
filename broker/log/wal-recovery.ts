import type { Disk, DiskFile } from "../../ports/disk.ts";
import { assert } from "../assert.ts";
import { forEachAtOnce } from "./at-once.ts";
import type { LogOutput } from "../log-output.ts";
import { decodeCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { loadFooter, writeFooter } from "./footer-io.ts";
import type { StoredLog } from "./stored-log.ts";
import {
  decodeFileHeader,
  entryHeaderBytes,
  fileHeaderBytes,
  readEntryHeader,
  type FileHeader,
} from "./wal-entry.ts";
import {
  closeHandle,
  createWalFile,
  openHandle,
  readFully,
  sequenceOfName,
  walFileName,
  type WalFile,
} from "./wal-file.ts";
import { createFileIndex } from "./wal-index.ts";
import { indexEntry, replayEntry, restoreLogs, type Replay } from "./wal-replay.ts";
import { scanFile, type ScanVisitor } from "./wal-scan.ts";

// From a directory to logs. The checkpoint says what was; files older than it are known by their footers, the chain of files from it on is replayed entry by
// entry. The chain is followed back from the newest file, so what a failed write left behind is not part of it.

export type RecoveryOptions = {
  readonly disk: Disk;
  readonly directory: string;
  readonly log: LogOutput;
  readonly replay: Replay;
  /** The kernel runs since before the last process began: all its completed writes are there. */
  readonly hasAllWrites: boolean;
};

export type Recovered = {
  /** Ascending. All sealed, flushed, with footers. */
  readonly files: WalFile[];
  /** WAL files that hold nothing. */
  readonly unused: string[];
  readonly nextSequence: number;
  /** The newest file that counts, here or reclaimed. */
  readonly previous: { readonly sequence: number; readonly end: number };
  readonly replayedBytes: number;
};

export const checkpointName = "checkpoint";

/** The directory cannot be served from. `message` says why and what to do. */
export class RecoveryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RecoveryError";
  }
}

export async function recoverWal(options: RecoveryOptions): Promise<Recovered> {
  const { disk, directory } = options;
  const checkpoint = await readCheckpoint(disk, directory);
  const found = await findFiles(options);
  const startSequence = checkpoint?.sequence ?? 0;
  const chain = followChain(found, checkpoint, directory);
  const listed = new Set(checkpoint?.files);
  const older = found.filter((each) => listed.has(each.sequence));
  const files = older.map((each) => sealedFile(each, directory));
  const scanned = chain.map((each) => sealedFile(each, directory));
  const all = [...files, ...scanned];
  if (checkpoint !== null) {
    restoreLogs(options.replay, checkpoint, (sequence) =>
      all.find((file) => file.sequence === sequence),
    );
  }
  for (const file of await loadFooters(options, files)) {
    await rebuildFooter(options, file, knownEndOf(file.sequence, found, checkpoint));
  }
  let replayedBytes = 0;
  for (const [place, file] of scanned.entries()) {
    await replayFile(options, file, chain[place + 1]?.header ?? null);
    replayedBytes += file.end;
  }
  await settle(options, scanned);
  const used = new Set(all.map((file) => file.sequence));
  return {
    files: all,
    unused: found
      .filter((each) => !used.has(each.sequence))
      .map((each) => `${directory}/${walFileName(each.sequence)}`),
    previous: {
      sequence: scanned.at(-1)?.sequence ?? checkpoint?.previousSequence ?? 0,
      end: scanned.at(-1)?.end ?? checkpoint?.previousEnd ?? 0,
    },
    nextSequence: Math.max(startSequence, 1 + (found.at(-1)?.sequence ?? 0)),
    replayedBytes,
  };
}

export async function readCheckpoint(disk: Disk, directory: string): Promise<Checkpoint | null> {
  const path = `${directory}/${checkpointName}`;
  const bytes = await disk.readFile(path);
  if (bytes === null) return null;
  const checkpoint = decodeCheckpoint(bytes);
  if (checkpoint !== null) return checkpoint;
  throw new RecoveryError(
    `${path} is damaged or of another version of Myelin; this broker's log cannot be read without it`,
  );
}

type FoundFile = {
  readonly sequence: number;
  readonly header: FileHeader | null;
  /** It has entries but no header: they are written together, within one sector. */
  readonly isHeaderLost: boolean;
};

const hasFirstEntry = async (handle: DiskFile, sequence: number): Promise<boolean> => {
  const bytes = Buffer.alloc(entryHeaderBytes);
  if (!(await readFully(handle, bytes, fileHeaderBytes))) return false;
  return readEntryHeader(bytes, 0, sequence)?.entrySequence === 0;
};

/** Asked of the disk at once: a full one has a thousand files, and a start waits for each question in turn. */
const filesAtOnce = 16;

async function findFiles({ disk, directory }: RecoveryOptions): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  await forEachAtOnce(await disk.list(directory), filesAtOnce, async (name) => {
    const sequence = sequenceOfName(name);
    if (sequence === null) return;
    const handle = await disk.open(`${directory}/${name}`);
    try {
      const bytes = Buffer.alloc(fileHeaderBytes);
      const header = (await readFully(handle, bytes, 0)) ? decodeFileHeader(bytes) : null;
      if (header === "unknownVersion") {
        throw new RecoveryError(`${directory}/${name} was written by another version of Myelin`);
      }
      // A recycled file that was never begun still has the header of its last life.
      const isOwn = header?.sequence === sequence;
      found.push({
        sequence,
        header: isOwn ? header : null,
        isHeaderLost: !isOwn && (await hasFirstEntry(handle, sequence)),
      });
    } finally {
      await handle.close();
    }
  });
  return found.sort((left, right) => left.sequence - right.sequence);
}

type ChainedFile = FoundFile & { readonly header: FileHeader };

/** The files to replay, oldest first: from the newest one back to what the checkpoint covers. */
const followChain = (
  found: readonly FoundFile[],
  checkpoint: Checkpoint | null,
  directory: string,
): ChainedFile[] => {
  const chain: ChainedFile[] = [];
  const bySequence = new Map(found.map((each) => [each.sequence, each]));
  const start = checkpoint?.sequence ?? 0;
  let at = found.findLast(
    (each) => (each.header !== null || each.isHeaderLost) && each.sequence >= start,
  );
  if (at?.isHeaderLost === true) {
    throw new RecoveryError(
      `${directory}/${walFileName(at.sequence)} has lost its header: where it belongs cannot be told`,
    );
  }
  while (at !== undefined && at.header !== null && at.sequence >= start) {
    chain.unshift({ ...at, header: at.header });
    const { previousSequence } = at.header;
    if (previousSequence === 0) {
      if (checkpoint === null) return chain;
      break;
    }
    if (previousSequence < start) break;
    const previous = bySequence.get(previousSequence);
    if (previous === undefined || previous.header === null) {
      throw new RecoveryError(
        `${directory}/${walFileName(previousSequence)} is missing or has lost its header: the log has a hole`,
      );
    }
    at = previous;
  }
  const expected = checkpoint?.previousSequence ?? 0;
  const first = chain[0]?.header.previousSequence ?? expected;
  if (first !== expected) {
    throw new RecoveryError(`${directory}: the WAL does not go on where its checkpoint ends`);
  }
  return chain;
};

/** Where a sealed file's entries end, by what came after it: behind may be sound ones that were cut off. */
const knownEndOf = (
  sequence: number,
  found: readonly FoundFile[],
  checkpoint: Checkpoint | null,
): number | null => {
  const next = found.find(({ header }) => header?.previousSequence === sequence);
  if (next !== undefined) return next.header!.previousEnd;
  return checkpoint?.previousSequence === sequence ? checkpoint.previousEnd : null;
};

const sealedFile = (found: FoundFile, directory: string): WalFile =>
  createWalFile({
    sequence: found.sequence,
    path: `${directory}/${walFileName(found.sequence)}`,
    // Without a header: as long as it is, which `loadFooter` sets.
    fileBytes: found.header?.fileBytes ?? 0,
    address: null,
    handle: null,
  });

/** Files from before the checkpoint are known by their footers; returns those whose footer is damaged, in their order. */
async function loadFooters(
  { disk }: RecoveryOptions,
  files: readonly WalFile[],
): Promise<WalFile[]> {
  await forEachAtOnce(files, filesAtOnce, async (file) => {
    const handle = await openHandle(disk, file);
    await loadFooter(disk, { file, sizeBytes: await handle.size() });
    await closeHandle(file);
  });
  return files.filter(({ footer }) => footer === null);
}

/** Reads such a file entry by entry. */
async function rebuildFooter(
  options: RecoveryOptions,
  file: WalFile,
  knownEnd: number | null,
): Promise<void> {
  const { disk, log } = options;
  log.warn("a WAL file's footer is damaged, reading the whole file", { path: file.path });
  const handle = await openHandle(disk, file);
  const sizeBytes = await handle.size();
  const index = createFileIndex();
  file.index = index;
  const result = await scanFile(
    { handle, sequence: file.sequence, sizeBytes, knownEnd, hasAllWrites: true },
    {
      onEntry: (header, body, position) => indexEntry(file, index, { header, body, position }),
      onDamage: (partition, position) => noteDamage(options, file, { partition, position }),
    },
  );
  file.end = file.writtenEnd = file.flushedEnd = result.end;
  await writeFooter(disk, file);
  file.index = null;
  await closeHandle(file);
}

const noteDamage = (
  { log, replay }: RecoveryOptions,
  file: WalFile,
  damage: { partition: number | null; position: number },
): void => {
  const { partition, position } = damage;
  if (partition !== null) checkDeclared(replay, file, partition);
  const { byNumber } = replay.table;
  const logs = partition === null ? [...byNumber.values()] : [byNumber.get(partition)];
  for (const each of logs)
    if (each !== undefined) each.failure ??= `${file.path} is damaged at ${position}`;
  log.error("the WAL is damaged", { path: file.path, position, logs: logs.length });
};

/** Numbers are given in order: one not given yet belongs to a log whose declaration is damaged, and nobody could say that this log is. */
const checkDeclared = ({ table }: Replay, file: WalFile, partition: number): void => {
  if (partition < table.nextNumber) return;
  throw new RecoveryError(
    `${file.path} is damaged where it names a partition: which one it is cannot be told`,
  );
};

async function replayFile(
  options: RecoveryOptions,
  file: WalFile,
  next: FileHeader | null,
): Promise<void> {
  const { disk, log, replay } = options;
  const handle = await openHandle(disk, file);
  file.index = createFileIndex();
  const visitor: ScanVisitor = {
    onEntry: (header, body, position) => {
      if (header.kind !== "declared") checkDeclared(replay, file, header.partition);
      replayEntry(replay, file, { header, body, position });
    },
    onDamage: (partition, position) => noteDamage(options, file, { partition, position }),
  };
  const sizeBytes = await handle.size();
  const knownEnd = next === null ? null : next.previousEnd;
  const { hasAllWrites } = options;
  const result = await scanFile(
    { handle, sequence: file.sequence, sizeBytes, knownEnd, hasAllWrites },
    visitor,
  );
  if (result.isTorn) log.info("cut off a torn end of the WAL", { path: file.path, at: result.end });
  file.end = result.end;
  file.writtenEnd = result.end;
}

const logOf = (replay: Replay, number: number): StoredLog | undefined =>
  replay.table.byNumber.get(number);

/** Makes what was replayed durable: a second crash must find the same. */
async function settle(options: RecoveryOptions, files: readonly WalFile[]): Promise<void> {
  for (const file of files) {
    const handle = await openHandle(options.disk, file);
    await handle.flush();
    file.flushedEnd = file.end;
    await writeFooter(options.disk, file);
    const { index } = file;
    assert(index !== null, "a replayed file has its index in memory");
    for (const number of index.pieces.keys()) logOf(options.replay, number)?.forgetPiece(file);
    file.index = null;
    await closeHandle(file);
  }
}
