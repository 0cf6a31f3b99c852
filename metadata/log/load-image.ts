import type { MetadataLog } from "../../ports/metadata-log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { createImage } from "../image/image.ts";
import type { Image } from "../image/image.ts";
import { hashEntry } from "../records/entry.ts";
import { applyTo, entriesPerRead, readOn } from "./chain.ts";
import type { MetadataLogOutput } from "./log-output.ts";
import { loadNewestSnapshot } from "./snapshots.ts";
import { whereStoreIsAway } from "./unavailable.ts";

type LoadOptions = {
  readonly log: MetadataLog;
  readonly objects: ObjectStore;
  readonly cell: string;
  readonly output: MetadataLogOutput;
};

/** An image at the log's head, and the bytes of the entries that it took behind its snapshot. */
type Loaded = { readonly image: Image; readonly tailBytes: number };

/** Snapshot and tail. Throws BrokenChain, MetadataDecodeError and MetadataLogError "unavailable". */
export async function loadImage(options: LoadOptions): Promise<Loaded> {
  const { log, output } = options;
  for (let upTo = Infinity; ;) {
    const image = await snapshotUpTo(options, upTo);
    const { revision } = image;
    const tailBytes = await applyTail(log, image);
    if (tailBytes !== null) return { image, tailBytes };
    // A cell restored beside this one wrote it, or one whose log was put back to an earlier time: the log is what counts.
    output.warn("a metadata snapshot does not belong to the metadata log and is passed over", {
      revision,
    });
    upTo = revision - 1;
  }
}

/** The image before the first entry where there is no snapshot. */
async function snapshotUpTo(options: LoadOptions, upTo: number): Promise<Image> {
  const { objects, cell, output } = options;
  const found = await loadNewestSnapshot(objects, cell, upTo).catch(
    whereStoreIsAway("metadata snapshots cannot be read"),
  );
  for (const revision of found.damaged) {
    output.error("a metadata snapshot is damaged; the one before it is used", { revision });
  }
  return found.image ?? createImage();
}

/** Null if the log does not go through where the image stands. Where that entry was trimmed, the one behind it tells. */
async function applyTail(log: MetadataLog, image: Image): Promise<number | null> {
  let tailBytes = 0;
  const take = (revision: number, entry: Uint8Array) => {
    applyTo(image, revision, entry);
    tailBytes += entry.byteLength;
  };
  const { revision: at, entryHash } = image;
  // One read for both questions: a start of a function costs no more.
  const first = at === 0 ? "trimmed" : await log.read(at, entriesPerRead);
  if (first !== "trimmed") {
    const [own, ...behind] = first;
    if (own === undefined || hashEntry(own.entry) !== entryHash) return null;
    for (const { revision, entry } of behind) take(revision, entry);
  }
  if (first === "trimmed" || first.length === entriesPerRead) await readOn(log, image, take);
  return tailBytes;
}
