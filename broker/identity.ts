import type { Disk } from "../ports/disk.ts";
import type { Random } from "../ports/random.ts";

/**
 * Who the broker in this data directory is (architecture 3.3: a broker is its data directory), and how its last life ended (replication.md C4).
 * Kept in one small file, replaced atomically.
 */
export type Identity = {
  readonly directoryId: string;
  /** Null until the cell has registered the directory. */
  brokerId: number | null;
  /** Of this life, and of the lives the cell may have seen last. */
  readonly incarnation: string;
  readonly storedIncarnations: readonly string[];
  readonly previousEnd: "new" | "clean" | "processCrash" | "hostCrash";
};

const fileName = "identity.json";
const formatVersion = 1;

type Stored = {
  formatVersion: number;
  writtenBy: string;
  directoryId: string;
  brokerId: number | null;
  /** Of the last life that registered. */
  incarnation: string | null;
  /** Of a life that was about to register. */
  pending: string | null;
  /** Kernel boot and file system under which that life wrote; null where the platform cannot tell. */
  bootId: string | null;
  /** That life wrote and flushed everything before it ended. */
  isClean: boolean;
};

/** The directory cannot be used as it is; the message says why and what to do. */
export class DirectoryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DirectoryError";
  }
}

export type IdentityOptions = { disk: Disk; random: Random; directory: string; version: string };

/** Reads or creates the identity, and notes the new incarnation before the cell can hear of it. Throws DirectoryError. */
export async function beginLife(options: IdentityOptions): Promise<Identity> {
  const { disk, random, directory } = options;
  const bootId = await disk.bootId(directory);
  const found = await read(options);
  const incarnation = Buffer.from(random.bytes(16)).toString("hex");
  const before: Stored = found ?? {
    formatVersion,
    writtenBy: options.version,
    directoryId: Buffer.from(random.bytes(16)).toString("base64url"),
    brokerId: null,
    incarnation: null,
    pending: null,
    bootId,
    isClean: false,
  };
  const previousEnd = endOf(before, bootId);
  // The clean mark is used up before anything is served; the boot mark goes with it if this life may already have lost writes.
  const stillBooted = previousEnd === "hostCrash" ? null : before.bootId;
  await write(options, {
    ...before,
    writtenBy: options.version,
    pending: incarnation,
    isClean: false,
    bootId: stillBooted,
  });
  const storedIncarnations = [before.incarnation, before.pending].filter((each) => each !== null);
  return {
    directoryId: before.directoryId,
    brokerId: before.brokerId,
    incarnation,
    storedIncarnations,
    previousEnd,
  };
}

/** The cell has registered this life. */
export async function registered(
  options: IdentityOptions,
  identity: Identity,
  brokerId: number,
): Promise<void> {
  identity.brokerId = brokerId;
  const bootId = await options.disk.bootId(options.directory);
  await write(options, { ...storedOf(options, identity), bootId, isClean: false });
}

/** Everything is written and flushed: the next life need not ask what was lost. */
export async function endCleanly(options: IdentityOptions, identity: Identity): Promise<void> {
  const bootId = await options.disk.bootId(options.directory);
  await write(options, { ...storedOf(options, identity), bootId, isClean: true });
}

/** A write or flush failed: the next life must not believe that what was written survived. */
export async function distrustDisk(options: IdentityOptions, identity: Identity): Promise<void> {
  await write(options, { ...storedOf(options, identity), bootId: null, isClean: false });
}

function storedOf(
  options: IdentityOptions,
  { directoryId, brokerId, incarnation }: Identity,
): Omit<Stored, "bootId" | "isClean"> {
  return {
    formatVersion,
    writtenBy: options.version,
    directoryId,
    brokerId,
    incarnation,
    pending: null,
  };
}

function endOf(stored: Stored, bootId: string | null): Identity["previousEnd"] {
  if (stored.incarnation === null) return "new";
  if (stored.isClean) return "clean";
  return bootId !== null && stored.bootId === bootId ? "processCrash" : "hostCrash";
}

function pathOf({ directory }: IdentityOptions): string {
  return `${directory}/${fileName}`;
}

async function write(options: IdentityOptions, stored: Stored): Promise<void> {
  await options.disk.writeFile(
    pathOf(options),
    Buffer.from(`${JSON.stringify(stored, null, 2)}\n`),
  );
}

async function read(options: IdentityOptions): Promise<Stored | null> {
  const bytes = await options.disk.readFile(pathOf(options));
  if (bytes === null) return null;
  const stored = parse(Buffer.from(bytes).toString("utf8"));
  if (stored === null) {
    throw new DirectoryError(
      `${pathOf(options)} is damaged: it cannot be told which broker this directory is. Restore the file, or start with an empty directory.`,
    );
  }
  if (stored.formatVersion > formatVersion) {
    throw new DirectoryError(
      `${options.directory} was written by Myelin ${stored.writtenBy} (format ${stored.formatVersion}); this is ${options.version} (format ${formatVersion}). Start that version or a newer one, or another directory with --data.`,
    );
  }
  return stored;
}

function parse(text: string): Stored | null {
  try {
    const parsed = JSON.parse(text) as Partial<Stored> | null;
    const isWhole =
      typeof parsed?.formatVersion === "number" && typeof parsed.directoryId === "string";
    return isWhole ? (parsed as Stored) : null;
  } catch {
    return null; // The caller says what a damaged file means.
  }
}
