// What a cell says of itself, as CloudWatch takes it out of the logs of brokers (broker/container/emf.ts) and of the reconcile task.
import { Duration } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { MetricOptions } from "aws-cdk-lib/aws-cloudwatch";

/** Also of what is counted from the log. */
export const metricNamespace = "Myelin";

/**
 * Of the whole cell. `MissingBrokers` is told by the reconcile task, whether or not any broker runs; the others by the broker that is the controller, so that
 * there are none while no broker runs.
 */
export type CellMetricName =
  | "ActiveBrokers"
  | "MissingBrokers"
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
