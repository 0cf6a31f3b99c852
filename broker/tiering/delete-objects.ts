import type { ObjectStore } from "../../ports/object-store.ts";
import { topicPrefix } from "./object-keys.ts";
import { unavailable, type Unavailable } from "./store-failure.ts";

const deletesAtOnce = 8;

export type Deleted = {
  readonly keys: readonly string[];
  /** Why the rest is still there, perhaps. */
  readonly failure: Unavailable | null;
};

/** Deletes a few at a time, up to the first failure. */
export async function deleteObjects(
  objects: ObjectStore,
  keys: readonly string[],
): Promise<Deleted> {
  const deleted: string[] = [];
  for (let at = 0; at < keys.length; at += deletesAtOnce) {
    const some = keys.slice(at, at + deletesAtOnce);
    const failures = await Promise.all(some.map((key) => deleteOne(objects, key)));
    deleted.push(...some.filter((_, index) => failures[index] === null));
    const failure = failures.find((each) => each !== null);
    if (failure !== undefined) return { keys: deleted, failure };
  }
  return { keys: deleted, failure: null };
}

async function deleteOne(objects: ObjectStore, key: string): Promise<Unavailable | null> {
  try {
    await objects.delete(key);
    return null;
  } catch (error) {
    return unavailable(error);
  }
}

export type TopicDeletion =
  /** `isDone`: nothing is left. Else there is more for the next round, which begins anew with what is there. */
  { readonly kind: "deleted"; readonly count: number; readonly isDone: boolean } | Unavailable;

/** Deletes up to `maxObjects` of a topic that was dropped, whatever lies under its prefix. */
export async function deleteTopicObjects(
  objects: ObjectStore,
  topic: { readonly cell: string; readonly topicId: string },
  maxObjects = 1000,
): Promise<TopicDeletion> {
  try {
    const prefix = topicPrefix(topic.cell, topic.topicId);
    const listed = await objects.list(prefix, { limit: maxObjects });
    const { keys, failure } = await deleteObjects(
      objects,
      listed.map(({ key }) => key),
    );
    if (failure !== null) return failure;
    return { kind: "deleted", count: keys.length, isDone: listed.length < maxObjects };
  } catch (error) {
    return unavailable(error);
  }
}
