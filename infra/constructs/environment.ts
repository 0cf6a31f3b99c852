import { isEmulated } from "./emulated.ts";
import type { CellState } from "./permissions.ts";

/** What every process of the cell is told. AWS itself sets AWS_REGION, in functions and in tasks. */
export function cellEnvironment({
  cellName,
  table,
  bucket,
  key,
}: CellState): Record<string, string> {
  const endpoint = isEmulated(table) ? process.env["AWS_ENDPOINT_URL"] : undefined;
  return {
    MYELIN_CELL: cellName,
    MYELIN_METADATA_TABLE: table.tableName,
    MYELIN_BUCKET: bucket.bucketName,
    ...(key === undefined ? {} : { MYELIN_KMS_KEY_ID: key.keyArn }),
    ...(endpoint === undefined ? {} : { AWS_ENDPOINT_URL: endpoint }),
  };
}
