import type { MetadataLog } from "../../ports/metadata-log.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import { ObjectStoreError } from "../../ports/object-store.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { applyEntry } from "../image/apply.ts";
import type { MetadataChange } from "../image/changes.ts";
import { createImage } from "../image/image.ts";
import type { Image } from "../image/image.ts";
import { decodeEntry, hashEntry } from "../records/entry.ts";
import { MetadataDecodeError } from "../records/field-types.ts";
import type { MetadataLogOutput } from "./log-output.ts";
import { loadNewestSnapshot } from "./snapshots.ts";

export type Replay = {
  /** One object for the life of the replica; loading anew replaces what is in it. */
  readonly image: Image;
  /** Applies everything the log has. Throws MetadataDecodeError when this process must stop. */
  catchUp(): Promise<void>;
  /** Applies an entry this process has just appended. */
  apply(revision: number, entry: Uint8Array): void;
  /** Bytes of the entries applied since the newest snapshot this process has read or written: what a start would have to replay. */
  readonly tailBytes: number;
  /** A snapshot was stored that covers so many of them. */
  noteSnapshot(coveredBytes: number): void;
};

type ReplayOptions = {
  log: MetadataLog;
  objects: ObjectStore;
  cell: string;
  output: MetadataLogOutput;
  onApplied(changes: readonly MetadataChange[], revision: number): void;
};

const entriesPerRead = 256;

/** Follows the metadata log into one image. Callers take turns: nothing here may run twice at a time. */
export function createReplay(options: ReplayOptions): Replay {
  const { log, output } = options;
  const image = createImage();
  let tailBytes = 0;

  function apply(revision: number, entry: Uint8Array): void {
    const changes = applyTo(image, revision, entry);
    tailBytes += entry.byteLength;
    options.onApplied(changes, revision);
  }

  async function readOn(
    target: Image,
    take: (revision: number, entry: Uint8Array) => void,
  ): Promise<void> {
    for (;;) {
      const entries = await log.read(target.revision + 1, entriesPerRead);
      if (entries === "trimmed") throw new BrokenChain(target.revision + 1);
      for (const { revision, entry } of entries) take(revision, entry);
      if (entries.length < entriesPerRead) return;
    }
  }

  /** Built beside the image in use, so that a load that fails halfway leaves that as it was. */
  async function load(): Promise<void> {
    const loaded = await loadNewestSnapshot(options.objects, options.cell).catch(asUnavailable);
    for (const revision of loaded?.damaged ?? []) {
      output.error("a metadata snapshot is damaged; the one before it is used", { revision });
    }
    const fresh = loaded?.image ?? createImage();
    let freshBytes = 0;
    await readOn(fresh, (revision, entry) => {
      applyTo(fresh, revision, entry);
      freshBytes += entry.byteLength;
    });
    Object.assign(image, fresh);
    tailBytes = freshBytes;
    options.onApplied([{ kind: "reloaded" }], image.revision);
  }

  let isLoaded = false;

  async function catchUp(): Promise<void> {
    if (isLoaded) {
      try {
        return await readOn(image, apply);
      } catch (error) {
        if (!(error instanceof BrokenChain)) throw error;
        // Behind a trim, or on another log than before (a restore): what is in memory is not to be trusted.
        isLoaded = false;
        output.warn("the metadata image is loaded anew", { revision: error.revision });
      }
    }
    await load().catch(async (error: unknown) => {
      if (!(error instanceof BrokenChain)) throw error;
      // A pause between snapshot and log may have outlasted a trim; there is a newer snapshot then.
      await load().catch((again: unknown) => {
        throw again instanceof BrokenChain ? brokenForGood(again, options.cell) : again;
      });
    });
    isLoaded = true;
  }

  return {
    image,
    catchUp,
    apply,
    get tailBytes() {
      return tailBytes;
    },
    noteSnapshot(coveredBytes) {
      tailBytes = Math.max(0, tailBytes - coveredBytes);
    },
  };
}

function asUnavailable(error: unknown): never {
  if (!(error instanceof ObjectStoreError) || error.code !== "unavailable") throw error;
  throw unavailable("metadata snapshots cannot be read", error);
}

function applyTo(target: Image, revision: number, entry: Uint8Array): readonly MetadataChange[] {
  const { previousHash, records } = decodeEntry(entry);
  if (revision !== target.revision + 1 || previousHash !== target.entryHash) {
    throw new BrokenChain(revision);
  }
  return applyEntry(target, { revision, hash: hashEntry(entry), records });
}

class BrokenChain extends Error {
  readonly revision: number;
  constructor(revision: number) {
    super(`entry ${revision} of the metadata log does not follow what was read before it`);
    this.name = "BrokenChain";
    this.revision = revision;
  }
}

function brokenForGood(cause: BrokenChain, cell: string): Error {
  const message = `entry ${cause.revision} of the metadata log follows neither the log nor the newest snapshot of cell ${cell}`;
  return new MetadataDecodeError("corrupt", message, { cause });
}

/** What callers of a replica that cannot answer get; the log's own errors pass as they are. */
export function unavailable(message: string, cause?: unknown): MetadataLogError {
  return new MetadataLogError("unavailable", message, { cause });
}
