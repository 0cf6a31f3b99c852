import type { IResource, RemovalPolicy } from "aws-cdk-lib";
import type { IConnectable } from "aws-cdk-lib/aws-ec2";
import type { Grant, IGrantable } from "aws-cdk-lib/aws-iam";
import type { IDependable } from "constructs";

/** A cell of this stack, or of another one (`MyelinCell.fromMyelinCellAttributes`). */
export interface IMyelinCell extends IResource, IConnectable {
  readonly cellName: string;
  /** Of the HTTP API, without a "/" at its end. */
  readonly apiUrl: string;
  readonly apiId: string;
  /** What makes `Cluster` and `Topic` resources. */
  readonly serviceToken: string;
  /** Name of the bootstrap load balancer, if the cell has one. */
  readonly bootstrapHost: string | undefined;
  /** What becomes of clusters and topics when their stack goes, where they do not say. */
  readonly removalPolicy: RemovalPolicy;
  /** The brokers, for what is to be made once they are there. Nothing for a cell of another stack, whose are. */
  readonly brokersReady: readonly IDependable[];
  /** Lets a principal do everything that the HTTP API does. Throws where the API takes tokens and not signatures. */
  grantManage(grantee: IGrantable): Grant;
}
