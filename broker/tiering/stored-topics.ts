import type { ObjectStore } from "../../ports/object-store.ts";
import { topicsPrefix } from "./object-keys.ts";
import { storedNames } from "./stored-names.ts";

/** Topics that the store has something of. Throws ObjectStoreError. */
export const storedTopics = (
  objects: ObjectStore,
  cell: string,
  isStopped?: () => boolean,
): Promise<string[]> => storedNames(objects, topicsPrefix(cell), isStopped);
