import type { ObjectStore } from "../../ports/object-store.ts";

/** How many objects were being read at once, at most. */
export function mostAtOnce(objects: ObjectStore): { objects: ObjectStore; gets: () => number } {
  let running = 0;
  let most = 0;
  const get: ObjectStore["get"] = async (...call) => {
    running += 1;
    most = Math.max(most, running);
    // Whoever asks more of them has the time to.
    await new Promise<void>((resolve) => void setImmediate(resolve));
    running -= 1;
    return objects.get(...call);
  };
  return { objects: { ...objects, get }, gets: () => most };
}
