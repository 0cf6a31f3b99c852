// What a cell costs in a month, line by line. Pure: a question in, the arithmetic out.
import type { CostLine } from "./cost-line.ts";
import { GB, hoursPerMonth, line, millions, secondsPerMonth } from "./cost-line.ts";
import { prices } from "./prices.ts";
import type { Size } from "./sizes.ts";
import { storageLines } from "./storage-lines.ts";

export type CostQuestion = {
  readonly size: Size;
  /** What producers send, as sent: compressed. Bytes a second, over the month. */
  readonly inBytesPerSecond: number;
  readonly retentionMs: number;
  /** How often everything is read. */
  readonly consumerCount: number;
  readonly zoneCount: number;
  /** Over all topics. */
  readonly partitionCount: number;
  /** Copies of each record. */
  readonly replicationFactor: number;
  /** Producers that know which brokers are in their zone, or one zone's only; others reach leaders wherever they are. */
  readonly producersStayInZone: boolean;
  /** Consumers that say which zone they are in (`client.rack`) read from the copy that is there. */
  readonly consumersStayInZone: boolean;
};

export type CostEstimate = {
  /** What it takes, though the size may not allow as many. */
  readonly brokerCount: number;
  /** What producers may send at most, so often read: what the size's most brokers carry. */
  readonly carriedBytesPerSecond: number;
  /** More is asked than that: no cell of this size costs what is said here, for there is none. */
  readonly isBeyondSize: boolean;
  readonly lines: readonly CostLine[];
  /** US dollars. */
  readonly perMonth: number;
};

export function estimate(question: CostQuestion): CostEstimate {
  const brokerCount = brokersFor(question);
  const lines = [
    ...brokerLines(question, brokerCount),
    ...trafficLines(question),
    ...storageLines({ ...question, brokerCount, oldVersionDays: question.size.oldVersionDays }),
    ...controlLines(question, brokerCount),
  ].filter(({ quantity }) => quantity > 0);
  const carriedBytesPerSecond = carriedBy(question, question.size.maxBrokersPerZone);
  return {
    brokerCount,
    carriedBytesPerSecond,
    isBeyondSize: question.inBytesPerSecond > carriedBytesPerSecond,
    lines,
    perMonth: lines.reduce((sum, each) => sum + each.perMonth, 0),
  };
}

/** As many in each zone, enough to carry the traffic. */
function brokersFor(question: CostQuestion): number {
  const { size, inBytesPerSecond, zoneCount } = question;
  const perZone = Math.ceil(inBytesPerSecond / carriedBy(question, 1));
  return zoneCount * Math.max(size.brokersPerZone, perZone);
}

/** Bytes a second of producers. A reading more than the first weighs half of what it takes to write and replicate. */
function carriedBy({ size, consumerCount, zoneCount }: CostQuestion, perZone: number): number {
  const weight = 1 + Math.max(0, consumerCount - 1) / 2;
  return (perZone * zoneCount * size.bytesPerBroker) / weight;
}

function brokerLines({ size }: CostQuestion, brokers: number): CostLine[] {
  const hours = brokers * hoursPerMonth;
  const extraDiskGb = Math.max(0, size.diskGb - prices.freeDiskGb);
  return [
    line("brokers: CPU", [hours * size.vcpus, "vCPU-hours", prices.vcpuHour]),
    line("brokers: memory", [hours * size.memoryGb, "GB-hours", prices.memoryGbHour]),
    line("brokers: disk", [hours * extraDiskGb, "GB-hours", prices.diskGbHour]),
    line("brokers: public addresses", [hours, "hours", prices.addressHour]),
  ];
}

function trafficLines(question: CostQuestion): CostLine[] {
  const { zoneCount, replicationFactor, consumerCount } = question;
  const inGb = (question.inBytesPerSecond * secondsPerMonth) / GB;
  // Copies are spread over zones: all but the leader's cross a border, unless there are more copies than zones.
  const copies = Math.min(replicationFactor, zoneCount) - 1;
  const elsewhere = (zoneCount - 1) / zoneCount;
  const produced = question.producersStayInZone ? 0 : elsewhere;
  const consumed = question.consumersStayInZone ? 0 : elsewhere * consumerCount;
  const across = (what: string, times: number): CostLine =>
    line(what, [inGb * times, "GB between zones", prices.acrossZonesGb]);
  return [
    across("replication", copies),
    across("producers in other zones", produced),
    across("consumers in other zones", consumed),
  ];
}

/** One poll a second by the controller, one every four by any other broker (decision 9). */
const readsPerSecond = (brokers: number): number => 1 + (brokers - 1) / 4;
/** Of the log that a broker writes: what it does, not what passes through it. */
const logGbPerBroker = 0.2;
/** The reconcile task every minute, the one that maintains the metadata log every five. */
const runsPerMonth = (secondsPerMonth / 60) * (1 + 1 / 5);
/** Half a GB for a fifth of a second. */
const runGbSeconds = 0.1;
/** Those that every cell has, and three for each zone. */
const alarmsOf = (zones: number): number => 10 + 3 * zones;
/** What the controller says of the cell, what the reconcile task does, what is counted from the log, and what brokers say by zone. */
const metricsOf = (zones: number): number => 4 + 1 + 1 + 6 * zones;

function controlLines({ size, zoneCount }: CostQuestion, brokers: number): CostLine[] {
  const reads = (readsPerSecond(brokers) * secondsPerMonth) / millions;
  return [
    line("bootstrap load balancer", [
      size.hasBalancer ? hoursPerMonth : 0,
      "hours",
      prices.balancerHour,
    ]),
    line("metadata log", [reads, "million reads", prices.tableReadMillion]),
    line("tasks: functions", [runsPerMonth * runGbSeconds, "GB-seconds", prices.functionGbSecond]),
    line("tasks: calls", [
      runsPerMonth / millions,
      "millions",
      prices.functionMillion + prices.scheduleMillion,
    ]),
    line("key", [size.hasKey ? 1 : 0, "keys", prices.keyMonth]),
    line("alarms", [alarmsOf(zoneCount), "alarms", prices.alarmMonth]),
    line("metrics", [metricsOf(zoneCount), "metrics", prices.metricMonth]),
    line("dashboard", [1, "dashboards", prices.dashboardMonth]),
    line("logs", [brokers * logGbPerBroker, "GB", prices.logGb]),
  ];
}
