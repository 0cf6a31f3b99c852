import type { Image } from "../image/image.ts";
import { maxMetadataLevel } from "../records/table.ts";
import { accepted, rejected } from "./command.ts";
import type { Decision } from "./command.ts";

/** The highest level that every registered broker reads, and this process too. */
export function highestCommonLevel(image: Image): number {
  let level = maxMetadataLevel;
  for (const { maxLevel } of image.brokers.values()) level = Math.min(level, maxLevel);
  return level;
}

/** Lets writers use what the level brings (architecture 3.2): from then on a version that does not know it stops. */
export function raiseLevel(
  image: Image,
  request: { readonly level: number },
): Decision<{ level: number }, "INVALID_REQUEST"> {
  const highest = highestCommonLevel(image);
  if (request.level > highest) {
    const message = `metadata level ${request.level} is not known to every broker; the highest all know is ${highest}`;
    return rejected("INVALID_REQUEST", message);
  }
  if (request.level <= image.level) return accepted([], { level: image.level });
  return accepted([{ kind: "level", level: request.level }], { level: request.level });
}
