import type { ObjectStore } from "../../ports/object-store.ts";

const keysPerPage = 1_000;
/** Where a page had keys of one name only, the next need not tell as many of them. */
const keysOfLargeNames = 32;

/**
 * Names up to the next "/" that keys have behind the prefix, in their order. What is small comes many in a request; whatever is left of a name that fills a
 * page is passed over. `isStopped` ends it with what is found by then. Throws ObjectStoreError.
 */
export async function storedNames(
  objects: ObjectStore,
  prefix: string,
  isStopped: () => boolean = () => false,
): Promise<string[]> {
  const found = new Set<string>();
  let limit = keysPerPage;
  for (let startAfter: string | undefined; !isStopped();) {
    const listed = await objects.list(prefix, {
      limit,
      ...(startAfter === undefined ? {} : { startAfter }),
    });
    const names = listed.map(({ key }) => key.slice(prefix.length).split("/")[0]!);
    for (const name of names) found.add(name);
    if (listed.length < limit) break;
    // "0" is what follows "/": behind every key of that name.
    startAfter = `${prefix}${names.at(-1)!}0`;
    limit = names[0] === names.at(-1) ? keysOfLargeNames : keysPerPage;
  }
  return [...found];
}
