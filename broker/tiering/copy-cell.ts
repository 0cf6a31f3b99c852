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
  constructor(key: string, how: string) {
    super(`the new place has lived already: its ${key} ${how}`);
    this.name = "PlaceHasLived";
  }
}

/** In memory at once: two segments, or so many small objects. */
const bytesAtOnce = 128 * 1024 * 1024;
const copiesAtOnce = 16;
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
          for (const some of inBatches(wanted)) {
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

function* inBatches(listed: readonly Listed[]): Generator<readonly Listed[]> {
  let batch: Listed[] = [];
  let bytes = 0;
  for (const each of listed) {
    const isFull = batch.length >= copiesAtOnce || bytes + each.sizeBytes > bytesAtOnce;
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(each);
    bytes += each.sizeBytes;
  }
  if (batch.length > 0) yield batch;
}

type Copying = Pick<CopyOptions, "from" | "to"> & {
  /** Key in the old place -> its ETag there, of what is in the new one. */
  readonly copied: Map<string, string>;
};

/** The bytes of it; null where nothing had to be done, or it was deleted meanwhile. */
async function copyOne({ key, sizeBytes }: Listed, copying: Copying): Promise<number | null> {
  const { from, to, copied } = copying;
  const target = `cells/${to.cell}/${key.slice(`cells/${from.cell}/`.length)}`;
  const isManifest = key.endsWith("/manifest");
  if (isManifest) {
    const head = await from.objects.head(key);
    if (head === null || head.etag === copied.get(key)) return null;
  } else {
    // Nothing else is ever changed under its name: of an earlier try it is whole, or not there.
    const there = await to.objects.head(target);
    if (there?.sizeBytes === sizeBytes && !isPack(key)) {
      copied.set(key, there.etag);
      return sizeBytes;
    }
  }
  const found = await from.objects.get(key);
  if (found === null) return null;
  if (isManifest) await putManifest(to.objects, target, found.bytes);
  else if (isPack(key)) await putPack(to.objects, target, found.bytes);
  else await to.objects.put(target, found.bytes);
  copied.set(key, found.etag);
  return found.sizeBytes;
}

const isPack = (key: string): boolean => key.endsWith(".pack");

/** On condition that it is still what was looked at: somebody else may have restored the cell meanwhile, and its leaders put theirs. */
async function putManifest(objects: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  for (;;) {
    const there = await objects.get(key);
    if (there !== null && isSame(there.bytes, bytes)) return;
    if (there !== null && isOlder(bytes, there.bytes)) {
      const how = "is newer than the one that is copied; restore it from itself, without --from";
      throw new PlaceHasLived(key, how);
    }
    const condition = there === null ? ({ ifAbsent: true } as const) : { ifMatch: there.etag };
    if ((await objects.put(key, bytes, condition)) !== null) return;
  }
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

/** Packs are counted, so that two cells may have two of one name. */
async function putPack(objects: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  const there = (await objects.get(key)) ?? (await putNew(objects, key, bytes));
  if (there === null || isSame(there.bytes, bytes)) return;
  const how = "is another one than the one that is copied; restore into an empty place";
  throw new PlaceHasLived(key, how);
}

/** What somebody else has put there just now; null if these bytes are there. */
async function putNew(objects: ObjectStore, key: string, bytes: Uint8Array) {
  return (await objects.put(key, bytes, { ifAbsent: true })) === null ? objects.get(key) : null;
}

function isOlder(bytes: Uint8Array, there: Uint8Array): boolean {
  const [ours, theirs] = [decodeManifest(bytes), decodeManifest(there)];
  if (ours.kind !== "decoded" || theirs.kind !== "decoded") return false;
  const [our, their] = [ours.manifest, theirs.manifest];
  return our.leaderEpoch === their.leaderEpoch
    ? our.revision < their.revision
    : our.leaderEpoch < their.leaderEpoch;
}
