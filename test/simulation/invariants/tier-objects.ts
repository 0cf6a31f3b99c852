import { decodeManifest, decodePage } from "../../../broker/tiering/manifest-codec.ts";
import type { Manifest, SegmentEntry } from "../../../broker/tiering/manifest.ts";
import {
  manifestKey,
  objectKey,
  parsePartitionKey,
  topicsPrefix,
  type PartitionObject,
  type PartitionPath,
} from "../../../broker/tiering/object-keys.ts";
import type { ObjectChange } from "../stores/sim-object-store.ts";

/** A partition's manifest was replaced, or made (`before` is null). */
export type ManifestChange = {
  readonly path: PartitionPath;
  readonly before: Manifest | null;
  readonly after: Manifest;
};

export type FoundObject = { readonly path: PartitionPath; readonly object: PartitionObject };

/** What the simulated object store has of partitions, decoded: whoever has heard of it. */
export class TierObjects {
  readonly #cell: string;
  readonly #peek: (key: string) => Uint8Array | null;
  readonly #manifests = new Map<string, Manifest>();

  constructor(cell: string, peek: (key: string) => Uint8Array | null) {
    this.#cell = cell;
    this.#peek = peek;
  }

  pathOf(topicId: string, index: number): PartitionPath {
    return { cell: this.#cell, topicId, index };
  }

  /** As it is in the store; null while there is none. */
  manifest({ topicId, index }: { topicId: string; index: number }): Manifest | null {
    return this.#manifests.get(manifestKey(this.pathOf(topicId, index))) ?? null;
  }

  bytes(path: PartitionPath, name: string): Uint8Array | null {
    return this.#peek(objectKey(path, name));
  }

  /** What each listed page holds, by name; a page that is gone or damaged is not in it. */
  pages(path: PartitionPath, manifest: Manifest): ReadonlyMap<string, readonly SegmentEntry[]> {
    const found = new Map<string, readonly SegmentEntry[]>();
    for (const { name } of manifest.pages) {
      const bytes = this.bytes(path, name);
      const decoded = bytes === null ? null : decodePage(bytes);
      if (decoded?.kind === "decoded") found.set(name, decoded.entries);
    }
    return found;
  }

  /** Whose object a key is; null for what is no partition's. */
  objectOf(key: string): FoundObject | null {
    const prefix = topicsPrefix(this.#cell);
    if (!key.startsWith(prefix)) return null;
    const [topicId = "", index = ""] = key.slice(prefix.length).split("/");
    const path = this.pathOf(topicId, Number(index));
    const object = parsePartitionKey(path, key);
    return object === null ? null : { path, object };
  }

  /** Notes a change of a manifest, and answers it; null for any other object, the text for one that cannot be read. */
  take({ key, after }: ObjectChange): ManifestChange | string | null {
    const found = this.objectOf(key);
    if (found?.object.kind !== "manifest") return null;
    const before = this.#manifests.get(key) ?? null;
    if (after === null) {
      this.#manifests.delete(key);
      return null;
    }
    const decoded = decodeManifest(after);
    if (decoded.kind === "corrupt")
      return `a manifest is put that nobody can read: ${decoded.message}`;
    this.#manifests.set(key, decoded.manifest);
    return { path: found.path, before, after: decoded.manifest };
  }
}
