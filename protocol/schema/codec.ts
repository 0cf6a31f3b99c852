import type { ReadCursor } from "./read-cursor.ts";
import type { WriteCursor } from "./write-cursor.ts";

/** How one version of a type is read and written. */
export type Codec<D, E = D> = {
  readonly read: (cursor: ReadCursor) => D;
  readonly write: (cursor: WriteCursor, value: E) => void;
};
