import { existsSync } from "node:fs";
import { join } from "node:path";
import { createDirectoryObjectStore } from "../../../adapters/directory/object-store.ts";
import type { RestoreOutcome } from "../../../metadata/log/restore.ts";
import { restoreCell } from "../../../metadata/log/restore.ts";
import { cellName } from "../local/cell-metadata.ts";
import { counted } from "./cell-report.ts";
import type { RestoreCommandOptions } from "./cell-restore.ts";
import { CliError } from "./failure.ts";
import { openCellMetadataPorts } from "./local-world.ts";
import type { Output } from "./output.ts";

/** `myelin cell restore`: of a cell on this machine, into a data directory without a metadata log. */
export async function runRestore(options: RestoreCommandOptions, output: Output): Promise<void> {
  const { from, data, revision } = options;
  const outcome = await restored({ from: from ?? data, data, revision });
  if (outcome.kind !== "restored")
    throw new CliError(whyNot(outcome, { from: from ?? data, data }));
  if (output.isJson) return output.json(outcome);
  const { topicCount, partitionCount, fromRevision, damaged } = outcome;
  output.line(
    `${counted(topicCount, "topic")} with ${counted(partitionCount, "partition")}, as of revision ${fromRevision}. Start the cell with: npm start -- --data ${data}`,
  );
  if (damaged.length > 0) {
    output.note(`Damaged snapshots were passed over: ${damaged.join(", ")}`);
  }
  if (from !== undefined && from !== data) {
    output.note(`What is not metadata was not copied: ${objectsIn(from)} to ${objectsIn(data)}`);
  }
}

type Restoring = { from: string; data: string; revision: number | undefined };

async function restored(options: Restoring): Promise<RestoreOutcome> {
  const { from, data, revision } = options;
  const source = objectsIn(from);
  if (!existsSync(source)) throw new CliError(`There are no objects in ${source}.`);
  const { clock, random, objects, metadataLog: log } = await openCellMetadataPorts(data);
  try {
    return await restoreCell({
      from: { objects: createDirectoryObjectStore(source), cell: cellName },
      to: { objects, cell: cellName, log },
      ...(revision === undefined ? {} : { revision }),
      clock,
      random,
    });
  } finally {
    await log.close();
  }
}

/** A cell's data directory, or the objects of one. */
function objectsIn(directory: string): string {
  const inside = join(directory, "objects");
  return existsSync(inside) || !existsSync(join(directory, "cells")) ? inside : directory;
}

type NotRestored = Exclude<RestoreOutcome, { kind: "restored" }>;

function whyNot(outcome: NotRestored, { from, data }: { from: string; data: string }): string {
  switch (outcome.kind) {
    case "notEmpty":
      return `A cell lives in ${data}: restore into an empty directory, or move its metadata.db away.`;
    case "nothing":
      return `There is no cell's metadata in ${objectsIn(from)}.`;
    case "tooNew":
      return `The metadata there end at revision ${outcome.lastRevision}.`;
  }
}
