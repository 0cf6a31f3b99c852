// Who may do what. Each list holds the actions that the role's code calls and no other; test/infra/permissions.test.ts reads the calls out of
// the code and compares.
import { Stack } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import type { IRole } from "aws-cdk-lib/aws-iam";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { acknowledgeWildcard, shownArn, writtenArn } from "./acknowledge.ts";

/** A cell's state, as brokers and functions share it. */
export type CellState = {
  readonly cellName: string;
  readonly table: ITable;
  readonly bucket: IBucket;
  readonly key: IKey | undefined;
  /** Some objects are still under these, and brokers of the version before write with them until a deployment has replaced the last one. */
  readonly formerKeys: readonly IKey[];
};

/** An append is a transaction of a condition check and a put; who may write the log may read it. */
const appendActions = ["ConditionCheckItem", "GetItem", "PutItem", "Query"];
/** Trimming raises a mark and deletes. */
const trimActions = ["DeleteItem", "UpdateItem"];
const readActions = ["GetObject"];
/** Parts of uploads fall under PutObject. */
const writeActions = ["AbortMultipartUpload", "DeleteObject", "PutObject"];

/** Reads the metadata log and its snapshots, and appends to the log: the control plane. */
export function grantAppends(role: IRole, state: CellState): void {
  allowOnTable(role, state, appendActions);
  allowOnObjects(role, state, readActions);
  allowList(role, state);
  // Snapshots are decrypted.
  allowOnKeys(role, state, ["Decrypt"]);
}

/** Besides, archives and trims the log, and writes and deletes objects: brokers, and the function that maintains the log while they sleep. */
export function grantMaintenance(role: IRole, state: CellState): void {
  allowOnTable(role, state, [...appendActions, ...trimActions]);
  allowOnObjects(role, state, [...readActions, ...writeActions]);
  allowList(role, state);
  // Decrypt for uploads in parts too: S3 puts them together.
  allowOnKeys(role, state, ["Decrypt", "GenerateDataKey"]);
}

function allowOnTable(role: IRole, { cellName, table }: CellState, actions: string[]): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: actions.map((each) => `dynamodb:${each}`).sort(),
      resources: [table.tableArn],
      // Of the table only what is this cell's, though a table may serve several.
      conditions: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [`${cellName}/*`] } },
    }),
  );
}

function allowOnObjects(role: IRole, { cellName, bucket }: CellState, actions: string[]): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: actions.map((each) => `s3:${each}`).sort(),
      resources: [bucket.arnForObjects(`cells/${cellName}/*`)],
    }),
  );
  acknowledgeWildcard(
    role,
    `${bucketArnShown(bucket)}/cells/${cellName}/*`,
    "Objects of the cell are under one prefix of the bucket, and their names are made as they are written.",
  );
}

function bucketArnShown(bucket: IBucket): string {
  return bucket.node.defaultChild === undefined
    ? writtenArn(bucket, bucket.bucketArn)
    : shownArn(bucket);
}

/** Without it S3 answers "denied" and not "absent" for what is not there; so it cannot be confined to a prefix, which a get does not name. */
function allowList(role: IRole, { bucket }: CellState): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({ actions: ["s3:ListBucket"], resources: [bucket.bucketArn] }),
  );
}

function allowOnKeys(role: IRole, { key, formerKeys }: CellState, actions: string[]): void {
  if (key !== undefined) allowOnKey(role, key, actions);
  for (const each of formerKeys) allowOnKey(role, each, actions);
}

function allowOnKey(role: IRole, key: IKey, actions: string[]): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: actions.map((each) => `kms:${each}`),
      resources: [key.keyArn],
      // Through S3 only: nothing else of the cell is under this key.
      conditions: {
        StringEquals: { "kms:ViaService": `s3.${Stack.of(key).region}.${Stack.of(key).urlSuffix}` },
      },
    }),
  );
}
