import { RemovalPolicy } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { AttributeType, BillingMode, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";

export type MetadataTableProps = { readonly removalPolicy: RemovalPolicy };

/**
 * The metadata log: what clusters, topics and brokers there are (docs/decisions: "The metadata log in DynamoDB"). On demand, for it has next to no
 * traffic until something fails; no TTL, for it deletes in any order; no replicas, for a transaction holds within one region.
 */
export class MetadataTable extends Construct {
  readonly table: ITable;

  constructor(scope: Construct, id: string, { removalPolicy }: MetadataTableProps) {
    super(scope, id);
    this.table = new Table(this, "Table", {
      partitionKey: { name: "log", type: AttributeType.STRING },
      sortKey: { name: "revision", type: AttributeType.NUMBER },
      billingMode: BillingMode.PAY_PER_REQUEST,
      // Names and settings, no records; AWS's own key costs nothing per call, and every broker reads once a second.
      encryption: TableEncryption.DEFAULT,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    }) as ITable; // CDK's types disagree about what may be undefined (exactOptionalPropertyTypes).
  }
}
