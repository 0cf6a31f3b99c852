import type { ObjectStore, PutCondition } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import { assert } from "../assert.ts";
import { decodeManifest, encodeManifest, encodePage } from "./manifest-codec.ts";
import { claim, type Manifest } from "./manifest.ts";
import { splitOldest } from "./manifest-paging.ts";
import {
  manifestKey,
  newObjectId,
  objectKey,
  pageName,
  type PartitionPath,
} from "./object-keys.ts";
import type { CorruptObject } from "./object-tail.ts";
import { unavailable, type Unavailable } from "./store-failure.ts";

/** A manifest as the store has it: the next one takes the place of just this. */
export type StoredManifest = { readonly manifest: Manifest; readonly etag: string };

export type LoadedManifest =
  /** Null: the partition has none yet. */
  { readonly kind: "loaded"; readonly stored: StoredManifest | null } | Unavailable | CorruptObject;

export type PutManifest =
  | { readonly kind: "stored"; readonly stored: StoredManifest }
  /** A leader of a later epoch has claimed it: step down. */
  | { readonly kind: "fenced"; readonly leaderEpoch: number }
  /** Another manifest is there than the one this was made from: look at it, and decide anew. */
  | { readonly kind: "conflict"; readonly current: StoredManifest | null }
  /** It may be stored or not, or may yet be: put the same again, or load. */
  | Unavailable
  | CorruptObject;

export type ManifestStore = {
  load(path: PartitionPath): Promise<LoadedManifest>;
  /**
   * Puts `next`, made by the transitions of manifest.ts from `previous` (null: there was none), in its place. Before, a page is put if too many segments are
   * inline: what is stored may list fewer inline than `next`. To try again after `unavailable`, give the same object.
   */
  put(path: PartitionPath, next: Manifest, previous: StoredManifest | null): Promise<PutManifest>;
  /**
   * Takes the manifest over for a new leader, and makes it if there is none, the log then beginning at `logStartOffset`. Before the first change of an epoch.
   */
  claim(path: PartitionPath, by: Claimant): Promise<PutManifest>;
};

export type Claimant = { readonly leaderEpoch: number; readonly logStartOffset: number };

/** A claim meets at most a predecessor's last puts; then it is in their way. */
const claimAttempts = 5;

type Prepared = {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
  readonly pages: readonly { readonly name: string; readonly bytes: Uint8Array }[];
};

export function createManifestStore(options: {
  readonly objects: ObjectStore;
  readonly random: Random;
}): ManifestStore {
  const { objects, random } = options;
  // What a manifest became when it was put first, so that a retry puts the same bytes and can tell its own.
  const preparedBefore = new WeakMap<Manifest, Prepared>();

  async function put(
    path: PartitionPath,
    next: Manifest,
    previous: StoredManifest | null,
  ): Promise<PutManifest> {
    const prepared = preparedBefore.get(next) ?? prepare(next, random);
    preparedBefore.set(next, prepared);
    const condition: PutCondition =
      previous === null ? { ifAbsent: true } : { ifMatch: previous.etag };
    try {
      for (const { name, bytes } of prepared.pages) {
        // Its name is of this put alone: one that is there is its own, from the attempt before.
        await objects.put(objectKey(path, name), bytes, { ifAbsent: true });
      }
    } catch (error) {
      return unavailable(error);
    }
    try {
      const done = await objects.put(manifestKey(path), prepared.bytes, condition);
      if (done !== null) {
        return { kind: "stored", stored: { manifest: prepared.manifest, etag: done.etag } };
      }
    } catch (error) {
      const failure = unavailable(error);
      return afterwards(await load(objects, path), prepared, { previous, failure });
    }
    return afterwards(await load(objects, path), prepared, null);
  }

  async function take(path: PartitionPath, by: Claimant): Promise<PutManifest> {
    const loaded = await load(objects, path);
    if (loaded.kind !== "loaded") return loaded;
    let current = loaded.stored;
    for (let attempt = 1; ; attempt += 1) {
      const partition = { ...path, logStartOffset: by.logStartOffset };
      const claimed = claim(current?.manifest ?? null, by.leaderEpoch, partition);
      if (claimed.kind === "fenced") return claimed;
      assert(claimed.kind === "changed", "a manifest that was loaded is this partition's");
      const outcome = await put(path, claimed.manifest, current);
      if (outcome.kind !== "conflict" || attempt === claimAttempts) return outcome;
      current = outcome.current;
    }
  }

  return { load: (path) => load(objects, path), put, claim: take };
}

async function load(objects: ObjectStore, path: PartitionPath): Promise<LoadedManifest> {
  try {
    const found = await objects.get(manifestKey(path));
    if (found === null) return { kind: "loaded", stored: null };
    const decoded = decodeManifest(found.bytes);
    if (decoded.kind === "corrupt") return decoded;
    const { manifest } = decoded;
    if (manifest.topicId !== path.topicId || manifest.index !== path.index) {
      return { kind: "corrupt", message: `${manifestKey(path)} is another partition's` };
    }
    return { kind: "loaded", stored: { manifest, etag: found.etag } };
  } catch (error) {
    return unavailable(error);
  }
}

function prepare(next: Manifest, random: Random): Prepared {
  const pages: { name: string; bytes: Uint8Array }[] = [];
  let manifest = next;
  for (;;) {
    const baseOffset = manifest.segments[0]?.baseOffset ?? 0;
    const name = pageName({ baseOffset, id: newObjectId(random) });
    const split = splitOldest(manifest, name);
    if (split === null) return { manifest, bytes: encodeManifest(manifest), pages };
    pages.push({ name, bytes: encodePage(manifest, split.entries) });
    manifest = split.manifest;
  }
}

/** What became of a put that was refused, or of whose outcome nobody told (`unanswered`), by what is there now. */
function afterwards(
  loaded: LoadedManifest,
  { manifest, bytes }: Prepared,
  unanswered: { readonly previous: StoredManifest | null; readonly failure: Unavailable } | null,
): PutManifest {
  if (loaded.kind !== "loaded") return loaded;
  const current = loaded.stored;
  if (current !== null && Buffer.compare(encodeManifest(current.manifest), bytes) === 0) {
    return { kind: "stored", stored: { manifest, etag: current.etag } };
  }
  if (current !== null && current.manifest.leaderEpoch > manifest.leaderEpoch) {
    return { kind: "fenced", leaderEpoch: current.manifest.leaderEpoch };
  }
  // Nothing has changed so far: the request may be on its way yet.
  const isAsBefore = unanswered !== null && current?.etag === unanswered.previous?.etag;
  return isAsBefore ? unanswered.failure : { kind: "conflict", current };
}
