import { Duration } from "aws-cdk-lib";
import { AlarmStatusWidget, Dashboard, GraphWidget, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { Alarm, IMetric, MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import type { CellMetrics } from "./cell-metrics.ts";
import type { ZoneMetricName } from "./own-metrics.ts";

export type CellDashboardProps = {
  readonly metrics: CellMetrics;
  readonly alarms: readonly Alarm[];
  readonly zoneCount: number;
  readonly cellName: string;
};

/** One page of the cell: what is wrong, then brokers, then the control plane. $3 a month beyond an account's first three. */
export class CellDashboard extends Construct {
  readonly dashboard: Dashboard;

  constructor(
    scope: Construct,
    id: string,
    { metrics, alarms, zoneCount, cellName }: CellDashboardProps,
  ) {
    super(scope, id);
    this.dashboard = new Dashboard(this, "Dashboard", {
      dashboardName: `myelin-${cellName}`,
      defaultInterval: Duration.hours(3),
    });
    const zones = Array.from({ length: zoneCount }, (_, index) => index);
    const percent = { leftYAxis: { min: 0, max: 100, label: "%", showUnits: false } };
    const ofZones = (name: ZoneMetricName, options: MetricOptions = {}): IMetric[] =>
      zones.map((zone) => metrics.ofZone(name, zone, { label: `zone ${zone + 1}`, ...options }));
    const sum = { statistic: Stats.SUM };
    this.dashboard.addWidgets(new AlarmStatusWidget({ alarms: [...alarms], width: 24, height: 4 }));
    this.dashboard.addWidgets(
      graph("Partitions", [
        metrics.ofCell("OfflinePartitions", { label: "offline" }),
        metrics.ofCell("UnderMinIsrPartitions", { label: "under min.insync.replicas" }),
        metrics.ofCell("UnderReplicatedPartitions", { label: "under-replicated" }),
      ]),
      graph("Brokers", [
        metrics.ofCell("ActiveBrokers", { label: "in service" }),
        metrics.ofCell("MissingBrokers", { label: "missing" }),
        metrics.brokerErrors({ label: "errors logged" }),
      ]),
      graph("Connections", ofZones("Connections", sum)),
    );
    this.dashboard.addWidgets(
      graph("Bytes a second in, replication included", ofZones("BytesIn", sum)),
      graph("Bytes a second out, replication included", ofZones("BytesOut", sum)),
      graph("Log of the fullest broker, bytes", ofZones("LogBytes")),
    );
    this.dashboard.addWidgets(
      graph("Data thread of the busiest broker", ofZones("BusyPercent"), percent),
      graph(
        "CPU of the busiest broker",
        zones.map((zone) => metrics.cpuUtilization(zone, { label: `zone ${zone + 1}` })),
        percent,
      ),
      graph(
        "Memory of the fullest broker",
        zones.map((zone) => metrics.memoryUtilization(zone, { label: `zone ${zone + 1}` })),
        percent,
      ),
    );
    this.dashboard.addWidgets(
      graph("HTTP API", [
        metrics.apiRequests({ label: "requests" }),
        metrics.apiErrors({ label: "failed" }),
      ]),
      graph("HTTP API, milliseconds", [metrics.apiLatency({ label: "p99" })]),
      graph("Tasks", [
        metrics.reconcileRuns({ label: "reconcile" }),
        metrics.reconcileErrors({ label: "reconcile failed" }),
        metrics.maintainErrors({ label: "maintain failed" }),
        metrics.metadataThrottles({ label: "metadata throttled" }),
      ]),
    );
  }
}

function graph(title: string, left: IMetric[], options: object = {}): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6, ...options });
}
