import { resolve } from "node:path";
import { createNodeClock } from "../../../adapters/node/clock.ts";
import { createNodeRandom } from "../../../adapters/node/random.ts";
import { MetadataFormatError } from "../../../adapters/sqlite/metadata-file.ts";
import { keepUnknownTopics } from "../../../broker/cold/kept-topics.ts";
import type { CopyProgress } from "../../../broker/tiering/copy-cell.ts";
import {
  CellStillWritten,
  copyCellRecords,
  PlaceHasLived,
} from "../../../broker/tiering/copy-cell.ts";
import type { StoredEpochs } from "../../../broker/tiering/stored-epochs.ts";
import { storedEpochs } from "../../../broker/tiering/stored-epochs.ts";
import type { Image } from "../../../metadata/image/image.ts";
import type { RestoreOutcome } from "../../../metadata/log/restore.ts";
import { restoreCell } from "../../../metadata/log/restore.ts";
import { MetadataDecodeError } from "../../../metadata/records/field-types.ts";
import { ObjectStoreError } from "../../../ports/object-store.ts";
import { MetadataLogError } from "../../../ports/metadata-log.ts";
import { counted } from "./cell-report.ts";
import type { RestoreCommandOptions } from "./cell-restore.ts";
import { CliError } from "./failure.ts";
import type { Output } from "./output.ts";
import { createProgress } from "./progress.ts";
import type { CellPlace, NewPlace } from "./restore-places.ts";
import { objectsIn, openNewPlace, openOldPlace } from "./restore-places.ts";

/** `myelin cell restore`: records and metadata of a cell, from its objects into a place without a metadata log. */
export async function runRestore(options: RestoreCommandOptions, output: Output): Promise<void> {
  try {
    await restoreAndTell(options, output);
  } catch (error) {
    throw inWords(error);
  }
}

async function restoreAndTell(options: RestoreCommandOptions, output: Output): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const from = await openOldPlace(options);
  opened.defer(() => from.close());
  const to = await openNewPlace(options);
  opened.defer(() => to.close());
  const { outcome, copied, kept } = await restored(options, { from, to });
  if (outcome.kind !== "restored") throw new CliError(whyNot(outcome, { from, to }));
  if (output.isJson) return output.json({ ...outcome, copied, kept });
  const { topicCount, partitionCount, fromRevision, damaged } = outcome;
  const start =
    options.to === undefined
      ? `Start the cell with: npm start -- --data ${options.data}`
      : `Deploy it on them: ${deploymentOf(options, to.cell)}`;
  output.line(
    `${counted(topicCount, "topic")} with ${counted(partitionCount, "partition")}, as of revision ${fromRevision}. ${start}`,
  );
  if (copied !== null) {
    const megabytes = Math.round(copied.bytes / 1e6);
    output.line(`Copied ${counted(copied.objectCount, "object")}, ${megabytes} MB of records.`);
  }
  if (damaged.length > 0) output.note(`Damaged snapshots were passed over: ${damaged.join(", ")}`);
  if (kept.length > 0)
    output.note(
      `The store has objects of ${counted(kept.length, "topic")} that these metadata do not know, made later or deleted before: ${kept.join(", ")}. They are kept; each goes when its mark, cells/${to.cell}/kept-topics/ID, is deleted.`,
    );
}

function deploymentOf(
  { to = "", table = "", kmsKey }: RestoreCommandOptions,
  cell: string,
): string {
  const bucket = to.replace(/^s3:\/\/|\/$/g, "");
  const key = kmsKey === undefined ? "" : ` -c key=${kmsKey}`;
  return `npm run deploy -- -c cell=${cell} -c table=${table} -c bucket=${bucket}${key}`;
}

type Restored = {
  readonly outcome: RestoreOutcome;
  /** Null if nothing was to be copied. */
  readonly copied: CopyProgress | null;
  readonly kept: readonly string[];
};

async function restored(
  { revision, metadataOnly, from: given, to: bucket, data }: RestoreCommandOptions,
  { from, to }: { from: CellPlace; to: NewPlace },
): Promise<Restored> {
  const place = bucket ?? data;
  const isInPlace = from.cell === to.cell && isSamePlace(given ?? place, place);
  let copied: CopyProgress | null = null;
  let kept: readonly string[] = [];
  let found: readonly StoredEpochs[] = [];

  async function beforeItBegins(image: Image): Promise<void> {
    const places = isInPlace ? [to] : [from, to];
    if (!isInPlace && !metadataOnly) copied = await copyRecords(from, to);
    kept = await keepUnknownTopics(image, { to, places });
    // Last, for it takes long, and somebody may have written while it was copied.
    found = await Promise.all(places.map((place) => storedEpochs(place)));
  }

  const outcome = await restoreCell({
    stored: {
      epochOf: (topicId, index) =>
        Math.max(-1, ...found.map((each) => each.epochOf(topicId, index))),
      partitionCountOf: (topicId) =>
        Math.max(0, ...found.map((each) => each.partitionCountOf(topicId))),
    },
    from,
    to: { objects: to.objects, cell: to.cell, log: to.metadataLog },
    ...(revision === undefined ? {} : { revision }),
    beforeItBegins,
    clock: createNodeClock(),
    random: createNodeRandom(),
  });
  return { outcome, copied, kept };
}

/** Two names of one bucket, or of one directory. */
function isSamePlace(one: string, other: string): boolean {
  if (one.startsWith("s3://") || other.startsWith("s3://"))
    return one.replace(/\/$/, "") === other.replace(/\/$/, "");
  return resolve(objectsIn(one)) === resolve(objectsIn(other));
}

async function copyRecords(from: CellPlace, to: CellPlace): Promise<CopyProgress> {
  const progress = createProgress({ unit: "bytes" });
  try {
    const onCopied = ({ bytes }: CopyProgress) => progress.update(bytes, null);
    return await copyCellRecords({ from, to, onCopied });
  } finally {
    progress.end();
  }
}

/** What went wrong, for a person, where it is no bug. */
function inWords(error: unknown): unknown {
  if (error instanceof CellStillWritten || error instanceof PlaceHasLived)
    return new CliError(`${sentence(error)}.`);
  if (error instanceof MetadataDecodeError) {
    const advice =
      error.code === "unknown"
        ? "A newer version of Myelin wrote them."
        : "To go back to before that, say --revision.";
    return new CliError(`The metadata of the cell cannot be read: ${error.message}. ${advice}`);
  }
  if (error instanceof ObjectStoreError || error instanceof MetadataLogError)
    return new CliError(`${sentence(error)}. What was copied, if anything, stays: run it again.`);
  const isExpected = error instanceof MetadataFormatError || isSystemError(error);
  return isExpected ? new CliError(`${sentence(error)}.`) : error;
}

/** Of a call to the operating system: a directory that may not be written, a path that is a file. */
const isSystemError = (error: unknown): error is Error =>
  error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";

const sentence = ({ message }: Error): string =>
  message.slice(0, 1).toUpperCase() + message.slice(1);

type NotRestored = Exclude<RestoreOutcome, { kind: "restored" }>;

function whyNot(outcome: NotRestored, { from, to }: { from: CellPlace; to: NewPlace }): string {
  switch (outcome.kind) {
    case "notEmpty":
      return `A cell lives in ${to.name}: restore into an empty place, or move its metadata log away.`;
    case "nothing":
      return `There is no cell's metadata in ${from.name}.`;
    case "stillWritten":
      return `The cell in ${from.name} is still written to: stop its brokers first, and run it again.`;
    case "tooNew":
      return `The metadata in ${from.name} have no such revision: the last before it is ${outcome.lastRevision}.`;
  }
}
