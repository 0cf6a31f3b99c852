import type { ObjectStore } from "../../ports/object-store.ts";
import { decodeManifest } from "./manifest-codec.ts";

type CellStore = { readonly objects: ObjectStore; readonly cell: string };

export type CopyOptions = {
  readonly from: CellStore;
  readonly to: CellStore;
  readonly onCopied?: (progress: CopyProgress) => void;
};

/** So far; objects that were there already count. */
export type CopyProgress = { readonly objectCount: number; readonly bytes: number };

/** Somebody still writes to the cell that is copied, and more than a copy could follow. */
export class CellStillWritten extends Error {
  constructor() {
    super("the cell that is copied is still written to: stop its brokers first");
    this.name = "CellStillWritten";
  }
}

/** The place that is copied to has lived since: what it has is newer than what would replace it. */
export class PlaceHasLived extends Error {
  constructor(key: string) {
    super(
      `the new place has lived already: its ${key} is of a later term than the one that is copied; restore it from itself, without --from`,
    );
    this.name = "PlaceHasLived";
  }
}

/** Segments are 64 MiB: so much memory each. */
const copiesAtOnce = 2;
const keysAtOnce = 1_000;
const maxRounds = 5;

/**
 * Copies what a cell has of records: segments, pages, manifests and packs; the metadata are not among them. Begun again it goes on where it was. A manifest
 * names segments, so manifests go last, and all is looked at again until a round finds nothing new. Throws CellStillWritten and PlaceHasLived, and what the
 * stores throw.
 */
export async function copyCellRecords({ from, to, onCopied }: CopyOptions): Promise<CopyProgress> {
  const copied = new Map<string, string>();
  const progress = { objectCount: 0, bytes: 0 };
  for (let round = 0; round < maxRounds; round++) {
    let count = 0;
    for (const isManifest of [false, true]) {
      for (const folder of ["topics/", "packs/"]) {
        for await (const keys of pagesOf(from, folder)) {
          const wanted = keys.filter(
            ({ key }) =>
              key.endsWith("/manifest") === isManifest && (isManifest || !copied.has(key)),
          );
          for (let at = 0; at < wanted.length; at += copiesAtOnce) {
            const some = wanted.slice(at, at + copiesAtOnce);
            const results = await Promise.all(
              some.map((each) => copyOne(each, { from, to, copied })),
            );
            for (const bytes of results) {
              if (bytes === null) continue;
              count++;
              progress.objectCount++;
              progress.bytes += bytes;
            }
            onCopied?.({ ...progress });
          }
        }
      }
    }
    if (count === 0) return progress;
  }
  throw new CellStillWritten();
}

type Listed = { readonly key: string; readonly sizeBytes: number };

async function* pagesOf({ objects, cell }: CellStore, folder: string): AsyncGenerator<Listed[]> {
  const prefix = `cells/${cell}/${folder}`;
  let startAfter: string | undefined;
  for (;;) {
    const listed = await objects.list(prefix, {
      limit: keysAtOnce,
      ...(startAfter === undefined ? {} : { startAfter }),
    });
    if (listed.length > 0) yield listed;
    if (listed.length < keysAtOnce) return;
    startAfter = listed.at(-1)?.key;
  }
}

type Copying = Pick<CopyOptions, "from" | "to"> & {
  /** Key in the old place -> its ETag there, of what is in the new one. */
  readonly copied: Map<string, string>;
};

/** The bytes of it; null where nothing had to be done, or it was deleted meanwhile. */
async function copyOne(
  { key, sizeBytes }: Listed,
  { from, to, copied }: Copying,
): Promise<number | null> {
  const target = `cells/${to.cell}/${key.slice(`cells/${from.cell}/`.length)}`;
  const isManifest = key.endsWith("/manifest");
  if (isManifest) {
    const head = await from.objects.head(key);
    if (head === null || head.etag === copied.get(key)) return null;
  } else {
    // Nothing else is ever changed under its name: of an earlier try it is whole, or not there.
    const there = await to.objects.head(target);
    if (there?.sizeBytes === sizeBytes) {
      copied.set(key, there.etag);
      return sizeBytes;
    }
  }
  const found = await from.objects.get(key);
  if (found === null) return null;
  if (isManifest && isOlder(found.bytes, await to.objects.get(target)))
    throw new PlaceHasLived(target);
  await to.objects.put(target, found.bytes);
  copied.set(key, found.etag);
  return found.sizeBytes;
}

function isOlder(bytes: Uint8Array, there: { readonly bytes: Uint8Array } | null): boolean {
  if (there === null) return false;
  const [ours, theirs] = [decodeManifest(bytes), decodeManifest(there.bytes)];
  if (ours.kind !== "decoded" || theirs.kind !== "decoded") return false;
  return ours.manifest.leaderEpoch < theirs.manifest.leaderEpoch;
}
