import type { ObjectStore } from "../../ports/object-store.ts";
import { topicPrefix, topicsPrefix } from "./object-keys.ts";

/** Topics that the store has something of. One request for each: from the first object of a topic to the first behind its last. Throws ObjectStoreError. */
export async function storedTopics(objects: ObjectStore, cell: string): Promise<string[]> {
  const prefix = topicsPrefix(cell);
  const found: string[] = [];
  for (let startAfter: string | undefined; ;) {
    const [first] = await objects.list(prefix, {
      limit: 1,
      ...(startAfter === undefined ? {} : { startAfter }),
    });
    if (first === undefined) return found;
    const topicId = first.key.slice(prefix.length).split("/")[0]!;
    found.push(topicId);
    // "0" is what follows "/": behind every key of the topic.
    startAfter = `${topicPrefix(cell, topicId).slice(0, -1)}0`;
  }
}
