import type { ObjectStore } from "../../ports/object-store.ts";

/** Names up to the next "/" that keys have behind the prefix, in their order. One request for each: from its first key to the first behind its last. Throws ObjectStoreError. */
export async function storedNames(
  objects: ObjectStore,
  prefix: string,
  /** Ends it with what is found by then. */
  isStopped: () => boolean = () => false,
): Promise<string[]> {
  const found: string[] = [];
  for (let startAfter: string | undefined; !isStopped();) {
    const [first] = await objects.list(prefix, {
      limit: 1,
      ...(startAfter === undefined ? {} : { startAfter }),
    });
    if (first === undefined) return found;
    const name = first.key.slice(prefix.length).split("/")[0]!;
    found.push(name);
    // "0" is what follows "/": behind every key of that name.
    startAfter = `${prefix}${name}0`;
  }
  return found;
}
