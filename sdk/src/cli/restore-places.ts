import { existsSync } from "node:fs";
import { join } from "node:path";
import { createDirectoryObjectStore } from "../../../adapters/directory/object-store.ts";
import { storedNames } from "../../../broker/tiering/stored-names.ts";
import type { MetadataLog } from "../../../ports/metadata-log.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { cellName } from "../local/cell-metadata.ts";
import type { RestoreCommandOptions } from "./cell-restore.ts";
import { CliError } from "./failure.ts";
import { openCellMetadataPorts } from "./local-world.ts";

// Where a cell is restored from and to: a directory, or a bucket with a table.

export type CellPlace = {
  readonly objects: ObjectStore;
  readonly cell: string;
  /** For a person. */
  readonly name: string;
  close(): Promise<void>;
};

export type NewPlace = CellPlace & { readonly metadataLog: MetadataLog };

/** Throws CliError where there is no cell, or none by that name. */
export async function openOldPlace(options: RestoreCommandOptions): Promise<CellPlace> {
  const { from = options.to ?? options.data, fromCell, region } = options;
  const place = isBucket(from) ? await openBucket(from, region) : openDirectory(from);
  try {
    return { ...place, cell: await cellIn(place, fromCell) };
  } catch (error) {
    await place.close();
    throw error;
  }
}

export async function openNewPlace(options: RestoreCommandOptions): Promise<NewPlace> {
  const { data, to, table, cell } = options;
  if (to === undefined) {
    if (table !== undefined || cell !== undefined)
      throw new CliError("--table and --cell are of a cell in AWS: say --to s3://BUCKET too.", 2);
    const { objects, metadataLog } = await openCellMetadataPorts(data);
    return { objects, metadataLog, cell: cellName, name: data, close: () => metadataLog.close() };
  }
  if (table === undefined || cell === undefined)
    throw new CliError("A cell in AWS has a table and a name: --table and --cell.", 2);
  return openInAws(options, { ...bucketOf(to), table, cell });
}

async function openInAws(
  { kmsKey, region }: RestoreCommandOptions,
  { bucket, prefix, table, cell }: { bucket: string; prefix: string; table: string; cell: string },
): Promise<NewPlace> {
  if (prefix !== "") throw new CliError("A cell has a bucket to itself, without a prefix.", 2);
  const [{ openCellPorts }, { cellVariables }] = await Promise.all([
    import("../../../adapters/aws/cell-ports.ts"),
    import("../../../adapters/aws/environment.ts"),
  ]);
  // Before anything is copied under a name that no process of a cell would take.
  const named = cellVariables.MYELIN_CELL.safeParse(cell);
  if (!named.success) {
    const rules = named.error.issues.map(({ message }) => message).join("; ");
    throw new CliError(`"${cell}" is no name of a cell: ${rules}.`, 2);
  }
  const ports = openCellPorts({
    MYELIN_CELL: cell,
    MYELIN_METADATA_TABLE: table,
    MYELIN_BUCKET: bucket,
    MYELIN_KMS_KEY_ID: kmsKey,
    AWS_REGION: regionOf(region),
    AWS_ENDPOINT_URL: process.env["AWS_ENDPOINT_URL"],
  });
  const { objects, metadataLog } = ports;
  const name = `${cell} in s3://${bucket}`;
  return { objects, metadataLog, cell, name, close: () => ports.close() };
}

type Place = Omit<CellPlace, "cell">;

const isBucket = (place: string): boolean => place.startsWith("s3://");

function bucketOf(place: string): { bucket: string; prefix: string } {
  const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]+)\/?(.*?)\/?$/.exec(place) ?? [];
  if (bucket === "") throw new CliError(`"${place}" is no bucket: write s3://BUCKET.`, 2);
  return { bucket, prefix };
}

function regionOf(given: string | undefined): string {
  const said = [given, process.env["AWS_REGION"], process.env["AWS_DEFAULT_REGION"]];
  const region = said.find((each) => each !== undefined && each !== "");
  if (region === undefined) throw new CliError("Say in which --region the bucket is.", 2);
  return region;
}

async function openBucket(place: string, region: string | undefined): Promise<Place> {
  const { bucket, prefix } = bucketOf(place);
  const [{ createS3Client }, { createS3ObjectStore }, { createNodeClock }, { createNodeRandom }] =
    await Promise.all([
      import("../../../adapters/s3/client.ts"),
      import("../../../adapters/s3/object-store.ts"),
      import("../../../adapters/node/clock.ts"),
      import("../../../adapters/node/random.ts"),
    ]);
  const client = createS3Client({
    region: regionOf(region),
    // Buckets of an emulator have no host names of their own.
    forcePathStyle: process.env["AWS_ENDPOINT_URL"] !== undefined,
  });
  return {
    objects: createS3ObjectStore({
      client,
      clock: createNodeClock(),
      random: createNodeRandom(),
      bucket,
      prefix,
    }),
    name: place,
    close: async () => client.destroy(),
  };
}

function openDirectory(place: string): Place {
  const source = objectsIn(place);
  if (!existsSync(source)) throw new CliError(`There are no objects in ${source}.`);
  const objects = createDirectoryObjectStore(source);
  return { objects, name: source, close: () => objects.close() };
}

/** A cell's data directory, or the objects of one. */
export function objectsIn(directory: string): string {
  const inside = join(directory, "objects");
  return existsSync(inside) || !existsSync(join(directory, "cells")) ? inside : directory;
}

async function cellIn({ objects, name }: Place, wanted: string | undefined): Promise<string> {
  const cells = await storedNames(objects, "cells/");
  const named = cells.length === 0 ? "none" : cells.join(", ");
  if (wanted !== undefined && !cells.includes(wanted))
    throw new CliError(`There is no cell ${wanted} in ${name}, but ${named}.`);
  const [only] = cells;
  if (wanted !== undefined) return wanted;
  if (only === undefined) throw new CliError(`There is no cell in ${name}.`);
  if (cells.length > 1)
    throw new CliError(`There are several cells in ${name}: say --from-cell, one of ${named}.`, 2);
  return only;
}
