import { Duration } from "aws-cdk-lib";
import { ComparisonOperator, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import type { Alarm, CreateAlarmOptions, Metric } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { CellMetrics } from "./cell-metrics.ts";
import type { Profile } from "./profile.ts";

export type CellAlarmsProps = {
  readonly metrics: CellMetrics;
  readonly profile: Profile;
  readonly cellName: string;
  /** Who is told. Without it the alarms can be looked at. */
  readonly topic: ITopic | undefined;
};

type AlarmSetting = Pick<CreateAlarmOptions, "threshold" | "evaluationPeriods"> & {
  readonly metric: Metric;
  /** What is the matter, and the section of docs/operating/alarms.md that says what to do. */
  readonly what: string;
  readonly isBelow?: boolean;
  readonly treatMissingData?: TreatMissingData;
};

const bytesPerGiB = 1024 ** 3;
/** Of the disk that Fargate was asked for; images and code take some of the rest. */
const fullShare = 0.75;

/** One for each thing that somebody should do something about (docs/operating/alarms.md says what), $0.10 a month each. */
export class CellAlarms extends Construct {
  readonly alarms: readonly Alarm[];
  readonly #props: CellAlarmsProps;

  constructor(scope: Construct, id: string, props: CellAlarmsProps) {
    super(scope, id);
    this.#props = props;
    this.alarms = Object.entries(this.#settings()).map(([name, setting]) =>
      this.#add(name, setting),
    );
  }

  #settings(): Record<string, AlarmSetting> {
    return { ...this.#brokerSettings(), ...this.#functionSettings() };
  }

  #brokerSettings(): Record<string, AlarmSetting> {
    const { metrics } = this.#props;
    return {
      BrokerErrors: {
        metric: metrics.brokerErrors({ period: Duration.minutes(5) }),
        what: "a broker logged an error",
        threshold: 1,
        evaluationPeriods: 1,
      },
      OfflinePartitions: {
        metric: metrics.ofCell("OfflinePartitions"),
        what: "partitions have no leader: nobody can write to them, or read",
        threshold: 1,
        evaluationPeriods: 3,
      },
      UnderMinIsr: {
        metric: metrics.ofCell("UnderMinIsrPartitions"),
        what: "partitions have fewer copies in sync than they must: acks=all is refused",
        threshold: 1,
        evaluationPeriods: 5,
      },
      UnderReplicated: {
        metric: metrics.ofCell("UnderReplicatedPartitions", { period: Duration.minutes(5) }),
        what: "partitions have lacked a copy for half an hour, longer than it takes to make one",
        threshold: 1,
        evaluationPeriods: 6,
      },
      BrokersMissing: {
        // The least of five minutes: some were missing at every look. Where nobody looks, ReconcileErrors or ReconcileMissing says so.
        metric: metrics.ofCell("MissingBrokers", {
          period: Duration.minutes(5),
          statistic: Stats.MINIMUM,
        }),
        what: "fewer brokers have been in service for a quarter of an hour than the cell should have",
        threshold: 1,
        evaluationPeriods: 3,
      },
      ...this.#zoneSettings(),
    };
  }

  #zoneSettings(): Record<string, AlarmSetting> {
    const { metrics, profile } = this.#props;
    const fiveMinutes = { period: Duration.minutes(5) };
    const zones = Array.from({ length: profile.zoneCount }, (_, index) => index);
    return Object.fromEntries(
      zones.flatMap((zone): [string, AlarmSetting][] => [
        [
          `Cpu${zone + 1}`,
          {
            metric: metrics.cpuUtilization(zone, fiveMinutes),
            what: "a broker has had next to no CPU left for a quarter of an hour",
            threshold: 85,
            evaluationPeriods: 3,
          },
        ],
        [
          `Memory${zone + 1}`,
          {
            metric: metrics.memoryUtilization(zone, fiveMinutes),
            what: "a broker is about to be killed for its memory",
            threshold: 92,
            evaluationPeriods: 2,
          },
        ],
        [
          `Disk${zone + 1}`,
          {
            metric: metrics.ofZone("LogBytes", zone, fiveMinutes),
            what: "a broker's disk is filling up",
            threshold: Math.round(fullShare * profile.diskGiB * bytesPerGiB),
            evaluationPeriods: 2,
          },
        ],
      ]),
    );
  }

  #functionSettings(): Record<string, AlarmSetting> {
    const { metrics } = this.#props;
    return {
      ApiErrors: {
        metric: metrics.apiErrors({ period: Duration.minutes(5) }),
        what: "the HTTP API failed",
        threshold: 5,
        evaluationPeriods: 1,
      },
      ReconcileErrors: {
        metric: metrics.reconcileErrors({ period: Duration.minutes(5) }),
        what: "the number of brokers is not being looked after: the task fails",
        threshold: 3,
        evaluationPeriods: 1,
      },
      ReconcileMissing: {
        metric: metrics.reconcileRuns({ period: Duration.minutes(5) }),
        what: "the number of brokers is not being looked after: the task does not run",
        threshold: 1,
        isBelow: true,
        evaluationPeriods: 2,
        treatMissingData: TreatMissingData.BREACHING,
      },
      MaintainErrors: {
        metric: metrics.maintainErrors({ period: Duration.minutes(15) }),
        what: "the metadata log is not being archived while brokers sleep",
        threshold: 3,
        evaluationPeriods: 1,
      },
      MetadataThrottles: {
        metric: metrics.metadataThrottles({ period: Duration.minutes(5) }),
        what: "DynamoDB throttles changes of metadata",
        threshold: 10,
        evaluationPeriods: 1,
      },
    };
  }

  #add(name: string, { metric, what, isBelow = false, ...setting }: AlarmSetting): Alarm {
    const { cellName, topic } = this.#props;
    const alarm = metric.createAlarm(this, name, {
      alarmName: `myelin-${cellName}-${name}`,
      alarmDescription: `${what} (docs/operating/alarms.md, "${name.replace(/\d+$/, "")}")`,
      comparisonOperator: isBelow
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...setting,
    });
    if (topic !== undefined) {
      alarm.addAlarmAction(new SnsAction(topic));
      alarm.addOkAction(new SnsAction(topic));
    }
    return alarm;
  }
}
