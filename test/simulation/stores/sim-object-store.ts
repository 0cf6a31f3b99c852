import { assertObjectKey, compareKeys } from "../../../adapters/object-key.ts";
import type { ObjectStore, PutCondition } from "../../../ports/object-store.ts";
import { ObjectStoreError } from "../../../ports/object-store.ts";
import { SimHost } from "../machine/sim-host.ts";
import type { SimProcess } from "../machine/sim-process.ts";
import type { SimNetwork } from "../network/sim-network.ts";
import type { World } from "../world/world.ts";
import { RemoteService } from "./remote-service.ts";

type Stored = { readonly bytes: Uint8Array; readonly etag: string };

/** The cell's object store, as S3 is: one for all simulated processes. */
export class SimObjectStore {
  readonly service: RemoteService;
  readonly #objects = new Map<string, Stored>();
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
      unavailable: (why) => new ObjectStoreError("unavailable", why),
    });
  }

  attach(process: SimProcess): ObjectStore {
    const call = <T>(kind: keyof typeof this.counts, key: string, effect: () => T): Promise<T> => {
      this.counts[kind]++;
      return this.service.call(process, `${kind} of ${key}`, effect);
    };
    return {
      put: async (key, bytes, condition) => {
        assertObjectKey(key);
        const copy = bytes.slice();
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
        await call("delete", key, () => this.#objects.delete(key));
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
    return { etag };
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
