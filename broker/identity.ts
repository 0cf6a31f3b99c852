import type { Disk } from "../ports/disk.ts";
import type { Random } from "../ports/random.ts";

/**
 * Who the broker in this data directory is (architecture 3.3: a broker is its data directory), and how its last life ended (replication.md C4).
 * Kept in one small file, replaced atomically.
 */
export type Identity = {
  readonly directoryId: string;
  /** Null if the cell has never registered the directory. */
  readonly brokerId: number | null;
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

/** One life of the broker in its directory, from the first look at it to its end. */
export type Life = {
  /** Reads or creates the identity, and notes the new incarnation before the cell can hear of it. Throws DirectoryError. */
  begin(): Promise<Identity>;
  /** The cell has registered this life. */
  registered(brokerId: number): Promise<void>;
  /** Everything is written and flushed: the next life need not ask what was lost. Does nothing once the disk is distrusted. */
  endCleanly(): Promise<void>;
  /** A flush failed: the next life must not believe that what was written survived. */
  distrustDisk(): Promise<void>;
};

export function createLife(options: IdentityOptions): Life {
  const { disk, random, directory, version } = options;
  const incarnation = Buffer.from(random.bytes(16)).toString("hex");
  let stored: Stored | null = null;
  let isDistrusted = false;
  let latest: Promise<unknown> = Promise.resolve();

  /** One change after the other. A directory that was never begun in has nothing to change. */
  function change(decide: (before: Stored) => Partial<Stored> | null): Promise<void> {
    const changed = latest.then(async () => {
      const before = stored ?? (await read(options));
      const after = before === null ? null : decide(before);
      if (before === null || after === null) return;
      stored = { ...before, ...after };
      await write(options, stored);
    });
    latest = changed.catch(() => undefined);
    return changed;
  }

  return {
    async begin() {
      const bootId = await disk.bootId(directory);
      const before = (await read(options)) ?? newDirectory(options, bootId);
      stored = before;
      const previousEnd = endOf(before, bootId);
      // The clean mark is used up before anything is served; the boot mark goes with it if this life may already have lost writes.
      await change(() => ({
        writtenBy: version,
        pending: incarnation,
        isClean: false,
        bootId: previousEnd === "hostCrash" || isDistrusted ? null : before.bootId,
      }));
      const { directoryId, brokerId } = before;
      const storedIncarnations = [before.incarnation, before.pending].filter(
        (each) => each !== null,
      );
      return { directoryId, brokerId, incarnation, storedIncarnations, previousEnd };
    },
    async registered(brokerId) {
      const bootId = await disk.bootId(directory);
      await change(() => ({
        brokerId,
        incarnation,
        pending: null,
        bootId: isDistrusted ? null : bootId,
      }));
    },
    async endCleanly() {
      await change(() => (isDistrusted ? null : { isClean: true }));
    },
    async distrustDisk() {
      isDistrusted = true;
      await change(() => ({ bootId: null, isClean: false }));
    },
  };
}

function newDirectory({ random, version }: IdentityOptions, bootId: string | null): Stored {
  return {
    formatVersion,
    writtenBy: version,
    directoryId: Buffer.from(random.bytes(16)).toString("base64url"),
    brokerId: null,
    incarnation: null,
    pending: null,
    bootId,
    isClean: false,
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
