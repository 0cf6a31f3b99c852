import { createImageChecker } from "../../../metadata/image/image-checker.ts";
import type { Invariant } from "./invariant.ts";

export const soundImage: Invariant = {
  name: "image",
  about: "what the metadata log alone can break of the invariants, and of what holds between them",
  watch() {
    const checker = createImageChecker();
    return {
      entry: ({ image, changes }) => checker.check(image, changes)[0] ?? null,
    };
  },
};
