import { partitionsHealth } from "../../metadata/health/partition-health.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { LoadSample } from "../../metadata/load/load-report.ts";

export type EmfOptions = {
  readonly cell: string;
  readonly zone: string;
  readonly brokerId: number;
};

/** What a broker measured in one minute beside its load. */
export type BrokerMeasures = {
  readonly load: LoadSample;
  /** Requests whose handler failed unexpectedly, in that minute. */
  readonly failedRequests: number;
  /** Bytes of the log directory. */
  readonly logBytes: number;
  /** Null where another broker is the controller: the cell is told of once. */
  readonly cellHealth: CellHealth | null;
};

export type CellHealth = {
  readonly offlinePartitions: number;
  readonly underMinIsrPartitions: number;
  readonly underReplicatedPartitions: number;
  readonly activeBrokers: number;
};

/** Of the image, for the one broker that tells of the cell. */
export function cellHealthOf(image: Image): CellHealth {
  const { counts } = partitionsHealth(image);
  let activeBrokers = 0;
  for (const { state } of image.brokers.values()) if (state === "active") activeBrokers += 1;
  return {
    offlinePartitions: counts.offline,
    underMinIsrPartitions: counts.under_min_isr,
    underReplicatedPartitions: counts.under_replicated,
    activeBrokers,
  };
}

type Unit = "Bytes/Second" | "Bytes" | "Count" | "Percent";

/**
 * Metrics as CloudWatch takes them out of a log line (embedded metric format). By cell and by zone, not by broker: brokers come and go, and each name and
 * dimension is billed ($0.30 a month); which broker it was stands in the line.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function emfLine({ cell, zone, brokerId }: EmfOptions, measures: BrokerMeasures): object {
  const { load, failedRequests, logBytes, cellHealth } = measures;
  const ofBroker: Record<string, [value: number, unit: Unit]> = {
    BytesIn: [load.bytesInPerSecond, "Bytes/Second"],
    BytesOut: [load.bytesOutPerSecond, "Bytes/Second"],
    Connections: [load.connectionCount, "Count"],
    BusyPercent: [load.busyShare * 100, "Percent"],
    FailedRequests: [failedRequests, "Count"],
    LogBytes: [logBytes, "Bytes"],
  };
  const ofCell: Record<string, [value: number, unit: Unit]> =
    cellHealth === null
      ? {}
      : {
          OfflinePartitions: [cellHealth.offlinePartitions, "Count"],
          UnderMinIsrPartitions: [cellHealth.underMinIsrPartitions, "Count"],
          UnderReplicatedPartitions: [cellHealth.underReplicatedPartitions, "Count"],
          ActiveBrokers: [cellHealth.activeBrokers, "Count"],
        };
  const directives = [directive([["Cell", "Zone"]], ofBroker), directive([["Cell"]], ofCell)];
  return {
    _aws: {
      Timestamp: Math.round(load.atMs),
      CloudWatchMetrics: directives.filter(({ Metrics }) => Metrics.length > 0),
    },
    Cell: cell,
    Zone: zone,
    Broker: brokerId,
    ...values(ofBroker),
    ...values(ofCell),
  };
}

function directive(dimensions: string[][], metrics: Record<string, [number, Unit]>) {
  return {
    Namespace: "Myelin",
    Dimensions: dimensions,
    Metrics: Object.entries(metrics).map(([Name, [, Unit]]) => ({ Name, Unit })),
  };
}

function values(metrics: Record<string, [number, Unit]>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).map(([name, [value]]) => [name, value]));
}
