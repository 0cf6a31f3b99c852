import type { MetadataLog } from "../../ports/metadata-log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { MetadataChange } from "../image/changes.ts";
import { createImage } from "../image/image.ts";
import type { Image } from "../image/image.ts";
import { MetadataDecodeError } from "../records/field-types.ts";
import { applyTo, BrokenChain, readOn } from "./chain.ts";
import { loadImage } from "./load-image.ts";
import type { MetadataLogOutput } from "./log-output.ts";

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

  async function load(): Promise<void> {
    const loaded = await loadImage(options);
    Object.assign(image, loaded.image);
    ({ tailBytes } = loaded);
    options.onApplied([{ kind: "reloaded" }], image.revision);
  }

  let isLoaded = false;

  async function catchUp(): Promise<void> {
    if (isLoaded) {
      try {
        return await readOn(log, image, apply);
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

function brokenForGood(cause: BrokenChain, cell: string): Error {
  const message = `entry ${cause.revision} of the metadata log follows neither the log nor the newest snapshot of cell ${cell}`;
  return new MetadataDecodeError("corrupt", message, { cause });
}
