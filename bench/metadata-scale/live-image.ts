import type { Image } from "../../metadata/image/image.ts";
import type { SharedReplica } from "./replica.ts";

/** The image of the moment behind one name, for those who hold on to the object: a replica of its own changes one in place. */
export function liveImage(replica: SharedReplica): Image {
  return new Proxy({} as Image, {
    get: (_, name) => Reflect.get(replica.image, name) as unknown,
  });
}
