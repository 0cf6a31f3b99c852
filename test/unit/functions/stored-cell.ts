import type { MetadataEntry, MetadataLog } from "../../../ports/metadata-log.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";

// Where a cell's metadata lives in these tests: arrays and maps, without faults. What the ports promise beyond that is the adapters' contract suites' to test.

export function storedLog(): MetadataLog {
  const entries: MetadataEntry[] = [];
  const listeners = new Set<() => void>();
  const add = (revision: number, entry: Uint8Array): "accepted" => {
    entries.push({ revision, entry });
    for (const listener of listeners) listener();
    return "accepted";
  };
  return {
    async append(revision, entry) {
      return entries.at(-1)?.revision === revision - 1 ? add(revision, entry) : "conflict";
    },
    async genesis(revision, entry) {
      return entries.length === 0 ? add(revision, entry) : "conflict";
    },
    async read(fromRevision, limit) {
      return entries.filter((each) => each.revision >= fromRevision).slice(0, limit);
    },
    async trim() {},
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {},
  };
}

export function storedObjects(): ObjectStore {
  const objects = new Map<string, Uint8Array>();
  return {
    async put(key, bytes) {
      objects.set(key, bytes);
      return { etag: key };
    },
    async get(key) {
      const bytes = objects.get(key);
      return bytes === undefined ? null : { bytes, etag: key, sizeBytes: bytes.byteLength };
    },
    async head(key) {
      const bytes = objects.get(key);
      return bytes === undefined ? null : { etag: key, sizeBytes: bytes.byteLength };
    },
    async list(prefix, { startAfter = "", limit = 1000 } = {}) {
      return [...objects]
        .filter(([key]) => key.startsWith(prefix) && key > startAfter)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([key, bytes]) => ({ key, sizeBytes: bytes.byteLength }));
    },
    async delete(key) {
      objects.delete(key);
    },
  };
}
