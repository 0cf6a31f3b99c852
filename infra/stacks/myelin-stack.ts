import { CfnOutput, Stack } from "aws-cdk-lib";
import type { StackProps } from "aws-cdk-lib";
import { Table } from "aws-cdk-lib/aws-dynamodb";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { Key } from "aws-cdk-lib/aws-kms";
import { Bucket } from "aws-cdk-lib/aws-s3";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import type { MyelinCellProps } from "../constructs/myelin-cell.ts";
import { MyelinCell } from "../constructs/myelin-cell.ts";

export type ExistingState = {
  readonly tableName: string;
  readonly bucketName: string;
  readonly keyArn?: string | undefined;
};

export type MyelinStackProps = StackProps & {
  readonly cell: MyelinCellProps;
  /** Of a cell that was there before this stack: its table, its bucket, and the key that the bucket has. */
  readonly existing?: ExistingState | undefined;
  /** Of the cluster that is there from the start. */
  readonly clusterName: string;
  /** Name -> number of partitions. */
  readonly topics: Readonly<Record<string, number>>;
  /** What was said on the command line, as it was: what the next deployment must say too. */
  readonly asGiven?: readonly string[];
};

/** A cell with a cluster, for those who deploy Myelin by itself. Whoever has an app of their own imports the constructs. */
export class MyelinStack extends Stack {
  readonly cell: MyelinCell;

  constructor(
    scope: Construct,
    id: string,
    { cell, existing, clusterName, topics, asGiven = [], ...props }: MyelinStackProps,
  ) {
    super(scope, id, {
      description: "Myelin: serverless Kafka",
      ...props,
    });
    this.cell = new MyelinCell(this, "Cell", {
      ...cell,
      ...(existing === undefined ? {} : { existing: this.#found(existing) }),
    });
    const cluster = this.cell.addCluster(clusterName);
    for (const [name, partitions] of Object.entries(topics)) cluster.addTopic(name, { partitions });
    const { apiUrl, apiId, serviceToken, fleet, state, network, controlPlane, tasks } = this.cell;
    const outputs: Record<string, string> = {
      CellName: this.cell.cellName,
      ApiUrl: apiUrl,
      ApiId: apiId,
      ServiceToken: serviceToken,
      ClusterId: cluster.clusterId,
      BootstrapServers: cluster.bootstrapServers,
      EcsCluster: fleet.clusterName,
      ReconcileFunction: tasks.reconcile.function.functionName,
      MetadataTable: state.table.tableName,
      Bucket: state.bucket.bucketName,
      VpcId: network.vpc.vpcId,
      BrokerLogs: fleet.task.logGroup.logGroupName,
      ApiLogs: controlPlane.handler.logGroup.logGroupName,
      ReconcileLogs: tasks.reconcile.logGroup.logGroupName,
      SecurityGroups: this.cell.connections.securityGroups
        .map(({ securityGroupId }) => securityGroupId)
        .join(","),
    };
    if (state.key !== undefined) outputs["KeyArn"] = state.key.keyArn;
    if (asGiven.length > 0) outputs["Settings"] = asGiven.join(" ");
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }

  #found({ tableName, bucketName, keyArn }: ExistingState): { table: ITable; bucket: IBucket } {
    return {
      table: Table.fromTableName(this, "ExistingTable", tableName) as ITable,
      bucket: Bucket.fromBucketAttributes(this, "ExistingBucket", {
        bucketName,
        ...(keyArn === undefined
          ? {}
          : { encryptionKey: Key.fromKeyArn(this, "ExistingKey", keyArn) }),
      }) as IBucket,
    };
  }
}
