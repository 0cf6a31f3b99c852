// What brokers say of themselves and of the cell, as CloudWatch takes it out of their log (broker/container/emf.ts).
import { Duration } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { MetricOptions } from "aws-cdk-lib/aws-cloudwatch";

/** Also of what is counted from the log. */
export const metricNamespace = "Myelin";

/** Of the whole cell, told by the broker that is its controller; missing while no broker runs. */
export type CellMetricName =
  | "ActiveBrokers"
  | "OfflinePartitions"
  | "UnderMinIsrPartitions"
  | "UnderReplicatedPartitions";

/** Of a zone: CloudWatch has the sum, the mean, the smallest and the largest of its brokers'. */
export type ZoneMetricName =
  | "BusyPercent"
  | "BytesIn"
  | "BytesOut"
  | "Connections"
  | "FailedRequests"
  | "LogBytes";

const usual = { period: Duration.minutes(1), statistic: Stats.MAXIMUM };

export function cellMetric(
  cellName: string,
  metricName: CellMetricName,
  options?: MetricOptions,
): Metric {
  const dimensionsMap = { Cell: cellName };
  return new Metric({
    namespace: metricNamespace,
    metricName,
    dimensionsMap,
    ...usual,
    ...options,
  });
}

/** `zone`: name of the availability zone. */
export function zoneMetric(
  { cellName, zone }: { cellName: string; zone: string },
  metricName: ZoneMetricName,
  options?: MetricOptions,
): Metric {
  const dimensionsMap = { Cell: cellName, Zone: zone };
  return new Metric({
    namespace: metricNamespace,
    metricName,
    dimensionsMap,
    ...usual,
    ...options,
  });
}
