import type { Image } from "../image/image.ts";
import { maxMetadataLevel } from "../records/table.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";

/** The first entry of a log that has none. Whoever comes second finds the cell there. */
export function createCell(
  image: Image,
  context: CommandContext,
): Decision<{ cellId: string }, never> {
  if (image.revision > 0) return accepted([], { cellId: image.cellId });
  const cellId = context.uuid();
  const createdAtMs = context.nowMs;
  return accepted([{ kind: "genesis", cellId, level: maxMetadataLevel, createdAtMs }], { cellId });
}
