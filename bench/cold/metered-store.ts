import { setTimeout } from "node:timers/promises";
import type { ObjectStore } from "../../ports/object-store.ts";

/** How an object store far away answers: the first byte after so long, and then so many bytes a second to each request. */
export type Distance = { readonly firstByteMs: number; readonly bytesPerSecond: number };

/** About what S3 Standard gives one connection within its region. */
export const farAway: Distance = { firstByteMs: 20, bytesPerSecond: 100e6 };

/** On top of what the store itself takes. */
export function atDistance(objects: ObjectStore, distance: Distance): ObjectStore {
  const wait = (bytes: number) =>
    setTimeout(distance.firstByteMs + (bytes / distance.bytesPerSecond) * 1_000);
  return {
    async put(key, bytes, condition) {
      await wait(bytes.length);
      return objects.put(key, bytes, condition);
    },
    async get(key, range) {
      const found = await objects.get(key, range);
      await wait(found?.bytes.length ?? 0);
      return found;
    },
    async head(key) {
      await wait(0);
      return objects.head(key);
    },
    async list(prefix, options) {
      await wait(0);
      return objects.list(prefix, options);
    },
    async delete(key) {
      await wait(0);
      return objects.delete(key);
    },
  };
}

export const kinds = ["segment", "manifest", "page", "pack", "metadata"] as const;
export type Kind = (typeof kinds)[number];
export type Counted = { count: number; bytes: number };
export type StoreFigures = {
  readonly puts: Record<Kind, Counted>;
  readonly gets: Counted;
  readonly lists: Counted;
  readonly deletes: Counted;
};

const none = (): Counted => ({ count: 0, bytes: 0 });

function kindOf(key: string): Kind {
  if (key.endsWith(".segment")) return "segment";
  if (key.endsWith("/manifest")) return "manifest";
  if (key.includes("/manifest-pages/")) return "page";
  return key.endsWith(".pack") ? "pack" : "metadata";
}

/** Counts what is asked of a store; failures count too, they are paid for as well. */
export function meter(objects: ObjectStore): { objects: ObjectStore; figures: StoreFigures } {
  const figures: StoreFigures = {
    puts: { segment: none(), manifest: none(), page: none(), pack: none(), metadata: none() },
    gets: none(),
    lists: none(),
    deletes: none(),
  };
  const count = (counted: Counted, bytes: number): void => {
    counted.count += 1;
    counted.bytes += bytes;
  };
  return {
    figures,
    objects: {
      put(key, bytes, condition) {
        count(figures.puts[kindOf(key)], bytes.length);
        return objects.put(key, bytes, condition);
      },
      async get(key, range) {
        const found = await objects.get(key, range);
        count(figures.gets, found?.bytes.length ?? 0);
        return found;
      },
      head(key) {
        count(figures.gets, 0);
        return objects.head(key);
      },
      list(prefix, options) {
        count(figures.lists, 0);
        return objects.list(prefix, options);
      },
      delete(key) {
        count(figures.deletes, 0);
        return objects.delete(key);
      },
    },
  };
}
