import type { ObjectStore, PutCondition } from "../../ports/object-store.ts";
import { ObjectStoreError } from "../../ports/object-store.ts";
import { assertObjectKey, compareKeys } from "../object-key.ts";

export type ObjectOperation = "put" | "get" | "head" | "list" | "delete";

export type MemoryObjectStore = ObjectStore & {
  /** The next `times` (1) such calls are answered `unavailable`, having taken effect or not (not, by default). */
  failNext(operation: ObjectOperation, options?: { times?: number; takesEffect?: boolean }): void;
};

export type MemoryObjectStoreOptions = {
  /** Runs a call's effect later; a microtask by default. */
  schedule?: (run: () => void) => void;
};

type StoredObject = { bytes: Uint8Array; etag: string };

export function createMemoryObjectStore(options: MemoryObjectStoreOptions = {}): MemoryObjectStore {
  const schedule = options.schedule ?? queueMicrotask;
  const objects = new Map<string, StoredObject>();
  const failures: { operation: ObjectOperation; left: number; takesEffect: boolean }[] = [];
  let putCount = 0;

  async function call<T>(operation: ObjectOperation, effect: () => T): Promise<T> {
    await new Promise<void>((resolve) => schedule(resolve));
    const failure = failures.find((one) => one.operation === operation);
    if (failure === undefined) return effect();
    if (--failure.left === 0) failures.splice(failures.indexOf(failure), 1);
    if (failure.takesEffect) effect();
    throw new ObjectStoreError("unavailable", `${operation} was told to fail`);
  }

  function put(key: string, bytes: Uint8Array, condition?: PutCondition): { etag: string } | null {
    if (condition !== undefined && !isMet(condition, objects.get(key))) return null;
    const etag = `"${++putCount}"`;
    objects.set(key, { bytes, etag });
    return { etag };
  }

  return {
    async put(key, bytes, condition) {
      assertObjectKey(key);
      // Not `slice`: of a Buffer that is a view.
      const copy = Uint8Array.from(bytes);
      return call("put", () => put(key, copy, condition));
    },
    async get(key, range) {
      assertObjectKey(key);
      return call("get", () => {
        const object = objects.get(key);
        if (object === undefined) return null;
        const { bytes, etag } = object;
        return {
          bytes: Uint8Array.from(bytes.subarray(range?.start, range?.end)),
          etag,
          sizeBytes: bytes.byteLength,
        };
      });
    },
    async head(key) {
      assertObjectKey(key);
      return call("head", () => {
        const object = objects.get(key);
        return object === undefined
          ? null
          : { etag: object.etag, sizeBytes: object.bytes.byteLength };
      });
    },
    list: (prefix, { startAfter, limit = 1000 } = {}) =>
      call("list", () =>
        [...objects.keys()]
          .filter((key) => key.startsWith(prefix))
          .filter((key) => startAfter === undefined || compareKeys(key, startAfter) > 0)
          .toSorted(compareKeys)
          .slice(0, limit)
          .map((key) => ({ key, sizeBytes: objects.get(key)?.bytes.byteLength ?? 0 })),
      ),
    async delete(key) {
      assertObjectKey(key);
      await call("delete", () => objects.delete(key));
    },
    failNext(operation, { times = 1, takesEffect = false } = {}) {
      failures.push({ operation, left: times, takesEffect });
    },
  };
}

function isMet(condition: PutCondition, current: StoredObject | undefined): boolean {
  return "ifAbsent" in condition ? current === undefined : current?.etag === condition.ifMatch;
}
