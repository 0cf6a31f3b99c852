import { Duration } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { MetricOptions } from "aws-cdk-lib/aws-cloudwatch";
import { FilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { BrokerFleet, ZoneService } from "./broker-fleet.ts";
import type { ControlPlane } from "./control-plane.ts";
import { cellMetric, metricNamespace, zoneMetric } from "./own-metrics.ts";
import type { CellMetricName, ZoneMetricName } from "./own-metrics.ts";
import type { CellState } from "./permissions.ts";
import type { ScheduledTasks } from "./scheduled-tasks.ts";

export type CellMetricsProps = {
  readonly state: CellState;
  readonly fleet: BrokerFleet;
  readonly controlPlane: ControlPlane;
  readonly tasks: ScheduledTasks;
};

const period = Duration.minutes(1);

/** What there is to see of a cell in CloudWatch. Every method takes what `Metric` takes, to look at it in another way. */
export class CellMetrics extends Construct {
  readonly #props: CellMetricsProps;
  readonly #errors: MetricFilter;

  constructor(scope: Construct, id: string, props: CellMetricsProps) {
    super(scope, id);
    this.#props = props;
    // Lines of level "error" name what happened and what to do: each is worth a look.
    this.#errors = new MetricFilter(this, "BrokerErrors", {
      logGroup: props.fleet.task.logGroup,
      filterPattern: FilterPattern.stringValue("$.level", "=", "error"),
      metricNamespace,
      metricName: `BrokerErrors-${props.state.cellName}`,
      metricValue: "1",
      defaultValue: 0,
    });
  }

  /** Lines of level error in the brokers' log. */
  brokerErrors(options?: MetricOptions): Metric {
    return this.#errors.metric({ period, statistic: Stats.SUM, ...options });
  }

  /** What the controller and the reconcile task say of the cell. */
  ofCell(metricName: CellMetricName, options?: MetricOptions): Metric {
    return cellMetric(this.#props.state.cellName, metricName, options);
  }

  /** What brokers of a zone, from 0, say of themselves. */
  ofZone(metricName: ZoneMetricName, zoneIndex: number, options?: MetricOptions): Metric {
    const { cellName } = this.#props.state;
    return zoneMetric({ cellName, zone: this.#zone(zoneIndex).zone }, metricName, options);
  }

  /** Of the busiest broker of a zone, from 0; in percent of its task. */
  cpuUtilization(zoneIndex: number, options?: MetricOptions): Metric {
    return this.#service(zoneIndex).metricCpuUtilization({
      period,
      statistic: Stats.MAXIMUM,
      ...options,
    });
  }

  /** Of the fullest broker of a zone, from 0; in percent of its task. */
  memoryUtilization(zoneIndex: number, options?: MetricOptions): Metric {
    return this.#service(zoneIndex).metricMemoryUtilization({
      period,
      statistic: Stats.MAXIMUM,
      ...options,
    });
  }

  #service(zoneIndex: number) {
    return this.#zone(zoneIndex).service;
  }

  #zone(zoneIndex: number): ZoneService {
    const found = this.#props.fleet.services[zoneIndex];
    if (found === undefined)
      throw new Error(`the cell has ${this.#props.fleet.services.length} zones, from 0`);
    return found;
  }

  /** Requests of the HTTP API. */
  apiRequests(options?: MetricOptions): Metric {
    return this.#api.metricCount({ period, statistic: Stats.SUM, ...options });
  }

  /** Requests of the HTTP API answered with a status of 500 or more. */
  apiErrors(options?: MetricOptions): Metric {
    return this.#api.metricServerError({ period, statistic: Stats.SUM, ...options });
  }

  /** Milliseconds of an HTTP request. */
  apiLatency(options?: MetricOptions): Metric {
    return this.#api.metricLatency({ period, statistic: Stats.p(99), ...options });
  }

  get #api() {
    return this.#props.controlPlane.api.http;
  }

  /** Runs of the reconcile task: one a minute. */
  reconcileRuns(options?: MetricOptions): Metric {
    return this.#props.tasks.reconcile.function.metricInvocations({ period, ...options });
  }

  reconcileErrors(options?: MetricOptions): Metric {
    return this.#props.tasks.reconcile.function.metricErrors({ period, ...options });
  }

  maintainErrors(options?: MetricOptions): Metric {
    return this.#props.tasks.maintain.function.metricErrors({ period, ...options });
  }

  /** Requests to the metadata log's table that DynamoDB throttled. */
  metadataThrottles(options?: MetricOptions): Metric {
    const { tableName } = this.#props.state.table;
    return new Metric({
      namespace: "AWS/DynamoDB",
      metricName: "WriteThrottleEvents",
      dimensionsMap: { TableName: tableName },
      period,
      statistic: Stats.SUM,
      ...options,
    });
  }
}
