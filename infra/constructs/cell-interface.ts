import type { IResource, RemovalPolicy } from "aws-cdk-lib";
import type { Metric, MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import type { IConnectable } from "aws-cdk-lib/aws-ec2";
import type { Grant, IGrantable } from "aws-cdk-lib/aws-iam";
import type { IDependable } from "constructs";
import type { Cluster, ClusterOptions } from "./cluster.ts";
import type { CellMetricName, ZoneMetricName } from "./own-metrics.ts";

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
  /** Clusters and topics of a stack that are there already, by their names, are taken over and not refused: of a cell whose state was there before its stack. */
  readonly adoptsWhatIsThere: boolean;
  /** The brokers, for what is to be made once they are there. Nothing for a cell of another stack, whose are. */
  readonly brokersReady: readonly IDependable[];
  /** A cluster of this cell, in the scope of the cell. In another scope: `new Cluster(this, "Shop", { cell, clusterName: "shop" })`. */
  addCluster(name: string, options?: ClusterOptions): Cluster;
  /** What the controller and the reconcile task say of the whole cell, the largest of each minute; $0.30 a month each, whether or not it is looked at. */
  metric(name: CellMetricName, options?: MetricOptions): Metric;
  /** The smallest of each minute; nothing where no broker runs. */
  metricActiveBrokers(options?: MetricOptions): Metric;
  /** Brokers that the zones lack of the profile's least; 0 while the cell sleeps. */
  metricMissingBrokers(options?: MetricOptions): Metric;
  /** Partitions without a leader. */
  metricOfflinePartitions(options?: MetricOptions): Metric;
  /** Partitions with fewer copies in sync than they must have for acks=all. */
  metricUnderMinIsrPartitions(options?: MetricOptions): Metric;
  metricUnderReplicatedPartitions(options?: MetricOptions): Metric;
  /** What the brokers of an availability zone, by its name, say of themselves; the largest of them. */
  metricOfZone(zone: string, name: ZoneMetricName, options?: MetricOptions): Metric;
  /** Lets a principal do everything that the HTTP API does. Throws where the API takes tokens and not signatures. */
  grantManage(grantee: IGrantable): Grant;
}
