import { Resource, Stack } from "aws-cdk-lib";
import type { RemovalPolicy } from "aws-cdk-lib";
import { Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { Metric, MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import type { Connections } from "aws-cdk-lib/aws-ec2";
import { Grant } from "aws-cdk-lib/aws-iam";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { IDependable } from "constructs";
import type { ApiAccess } from "./api-access.ts";
import type { IMyelinCell } from "./cell-interface.ts";
import type { ClusterOptions } from "./cluster.ts";
import { Cluster } from "./cluster.ts";
import { cellMetric, zoneMetric } from "./own-metrics.ts";
import type { CellMetricName, ZoneMetricName } from "./own-metrics.ts";

/** What a cell can do wherever it is from. */
export abstract class CellBase extends Resource implements IMyelinCell {
  abstract readonly cellName: string;
  abstract readonly apiUrl: string;
  abstract readonly apiId: string;
  abstract readonly serviceToken: string;
  abstract readonly bootstrapHost: string | undefined;
  abstract readonly removalPolicy: RemovalPolicy;
  abstract readonly adoptsWhatIsThere: boolean;
  abstract readonly brokersReady: readonly IDependable[];
  abstract readonly connections: Connections;
  abstract readonly access: ApiAccess;

  addCluster(name: string, options: ClusterOptions = {}): Cluster {
    return new Cluster(this, name, { cell: this, clusterName: name, ...options });
  }

  metric(name: CellMetricName, options?: MetricOptions): Metric {
    return cellMetric(this.cellName, name, options);
  }

  metricActiveBrokers(options?: MetricOptions): Metric {
    return this.metric("ActiveBrokers", { statistic: Stats.MINIMUM, ...options });
  }

  metricMissingBrokers(options?: MetricOptions): Metric {
    return this.metric("MissingBrokers", options);
  }

  metricOfflinePartitions(options?: MetricOptions): Metric {
    return this.metric("OfflinePartitions", options);
  }

  metricUnderMinIsrPartitions(options?: MetricOptions): Metric {
    return this.metric("UnderMinIsrPartitions", options);
  }

  metricUnderReplicatedPartitions(options?: MetricOptions): Metric {
    return this.metric("UnderReplicatedPartitions", options);
  }

  metricOfZone(zone: string, name: ZoneMetricName, options?: MetricOptions): Metric {
    return zoneMetric({ cellName: this.cellName, zone }, name, options);
  }

  grantManage(grantee: IGrantable): Grant {
    if (this.access.kind !== "iam")
      throw new Error(
        `the HTTP API of ${this.node.path} takes tokens of ${this.access.issuer}, and no signatures of IAM: who may manage it is that issuer's to say`,
      );
    return Grant.addToPrincipal({
      grantee,
      actions: ["execute-api:Invoke"],
      resourceArns: [
        Stack.of(this).formatArn({
          service: "execute-api",
          resource: this.apiId,
          resourceName: "*",
        }),
      ],
    });
  }
}
