import { assertObjectKey, compareKeys } from "../../../adapters/object-key.ts";
import type { ObjectStore, PutCondition } from "../../../ports/object-store.ts";
import { ObjectStoreError } from "../../../ports/object-store.ts";
import { SimHost } from "../machine/sim-host.ts";
import type { SimProcess } from "../machine/sim-process.ts";
import type { SimNetwork } from "../network/sim-network.ts";
import type { World } from "../world/world.ts";
import { RemoteService } from "./remote-service.ts";

type Stored = { readonly bytes: Uint8Array; readonly etag: string };

/** An object that was put, replaced or deleted, at the moment it was; null: it is not there. */
export type ObjectChange = {
  readonly key: string;
  readonly before: Uint8Array | null;
  readonly after: Uint8Array | null;
};

/** The cell's object store, as S3 is: one for all simulated processes. */
export class SimObjectStore {
  readonly service: RemoteService;
  readonly #objects = new Map<string, Stored>();
  readonly #listeners: ((change: ObjectChange) => void)[] = [];
  #putCount = 0;
  /** Calls by kind since the start, for what a cell costs. */
  readonly counts = { put: 0, get: 0, head: 0, list: 0, delete: 0 };

  constructor(world: World, network: SimNetwork) {
    this.service = new RemoteService({
      world,
      network,
      host: new SimHost(world, { name: "s3", zone: "region" }),
      kind: "objects",
      latencyMs: [10, 80],
      lateMs: [1_000, 60_000],
      stallMs: [1_000, 20_000],
      faults: {
        before: "objects.slowDown",
        after: "objects.failsAfter",
        late: "objects.appliesLate",
        stall: "objects.stall",
      },
      // Often before the next of them, so that the store has more than their brokers know of.
      alsoLate: {
        fault: "objects.packLate",
        isOf: (what) => what.startsWith("put of ") && what.endsWith(".pack"),
        lateMs: [10, 60_000],
      },
      unavailable: (why) => new ObjectStoreError("unavailable", why),
    });
  }

  /** Hears of every change as it takes effect, whoever is told of it. */
  onChange(listener: (change: ObjectChange) => void): void {
    this.#listeners.push(listener);
  }

  /** What is there now, without asking the service. */
  peek(key: string): Uint8Array | null {
    return this.#objects.get(key)?.bytes ?? null;
  }

  /** What is there now below a prefix. */
  keys(prefix: string): string[] {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix));
  }

  attach(process: SimProcess): ObjectStore {
    const call = <T>(kind: keyof typeof this.counts, key: string, effect: () => T): Promise<T> => {
      this.counts[kind]++;
      return this.service.call(process, `${kind} of ${key}`, effect);
    };
    return {
      put: async (key, bytes, condition) => {
        assertObjectKey(key);
        const copy = Uint8Array.from(bytes);
        return call("put", key, () => this.#put(key, copy, condition));
      },
      get: async (key, range) => {
        assertObjectKey(key);
        return call("get", key, () => {
          const object = this.#objects.get(key);
          if (object === undefined) return null;
          const { bytes, etag } = object;
          return {
            bytes: bytes.slice(range?.start, range?.end),
            etag,
            sizeBytes: bytes.byteLength,
          };
        });
      },
      head: async (key) => {
        assertObjectKey(key);
        return call("head", key, () => {
          const object = this.#objects.get(key);
          if (object === undefined) return null;
          return { etag: object.etag, sizeBytes: object.bytes.byteLength };
        });
      },
      list: (prefix, { startAfter, limit = 1_000 } = {}) =>
        call("list", prefix, () => this.#list(prefix, startAfter, limit)),
      delete: async (key) => {
        assertObjectKey(key);
        await call("delete", key, () => this.#delete(key));
      },
    };
  }

  #put(key: string, bytes: Uint8Array, condition?: PutCondition): { etag: string } | null {
    const current = this.#objects.get(key);
    if (condition !== undefined) {
      const isMet =
        "ifAbsent" in condition ? current === undefined : current?.etag === condition.ifMatch;
      if (!isMet) return null;
    }
    const etag = `"${++this.#putCount}"`;
    this.#objects.set(key, { bytes, etag });
    this.#tell({ key, before: current?.bytes ?? null, after: bytes });
    return { etag };
  }

  #delete(key: string): void {
    const current = this.#objects.get(key);
    if (current === undefined) return;
    this.#objects.delete(key);
    this.#tell({ key, before: current.bytes, after: null });
  }

  #tell(change: ObjectChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #list(
    prefix: string,
    startAfter: string | undefined,
    limit: number,
  ): { key: string; sizeBytes: number }[] {
    return [...this.#objects.keys()]
      .filter((key) => key.startsWith(prefix))
      .filter((key) => startAfter === undefined || compareKeys(key, startAfter) > 0)
      .toSorted(compareKeys)
      .slice(0, limit)
      .map((key) => ({ key, sizeBytes: this.#objects.get(key)?.bytes.byteLength ?? 0 }));
  }
}
