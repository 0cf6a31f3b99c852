import { Duration, Stack } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Schedule, ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke } from "aws-cdk-lib/aws-scheduler-targets";
import { Construct } from "constructs";
import { acknowledge, acknowledgeWildcard, shownArn } from "./acknowledge.ts";
import type { BrokerFleet } from "./broker-fleet.ts";
import { grantFleet } from "./fleet-permissions.ts";
import type { FunctionSetting } from "./cell-function.ts";
import { CellFunction } from "./cell-function.ts";
import { grantAppends, grantMaintenance } from "./permissions.ts";
import type { Profile } from "./profile.ts";

/** What failed is done again by the next run. Without a word Lambda repeats a failed event twice, and one failure would be three to the alarms. */
const doneOnce = { retryAttempts: 0, maxEventAge: Duration.minutes(1) };

export type ScheduledTasksProps = { readonly setting: FunctionSetting };

/** What is done whether or not anybody asks: the number of brokers, and the upkeep of a metadata log that no broker keeps up. */
export class ScheduledTasks extends Construct {
  readonly reconcile: CellFunction;
  readonly maintain: CellFunction;
  readonly #profile: Profile;

  constructor(scope: Construct, id: string, { setting }: ScheduledTasksProps) {
    super(scope, id);
    this.#profile = setting.profile;
    this.reconcile = new CellFunction(this, "Reconcile", {
      ...setting,
      file: "reconcile",
      description: "Number of brokers",
      // The next one begins a minute after this one did.
      timeout: Duration.seconds(55),
      memoryMiB: 512,
    });
    // A drain, with which a scale-in begins, is an entry of the metadata log.
    grantAppends(this.reconcile.role, setting.state);
    this.maintain = new CellFunction(this, "Maintain", {
      ...setting,
      file: "maintain",
      description: "Archive and snapshots of the metadata log",
      // Trimming is one deletion after the other.
      timeout: Duration.minutes(5),
      memoryMiB: 1024,
    });
    grantMaintenance(this.maintain.role, setting.state);
  }

  /**
   * Begins the schedules, once there is something to do. The function is told names that were given and are no references: so it is there before
   * the brokers are, as every function is.
   */
  begin(fleet: BrokerFleet): void {
    const { function: reconcile, role } = this.reconcile;
    const { brokersPerZone, sleepsWhenIdle } = this.#profile;
    const environment = {
      MYELIN_ECS_CLUSTER: fleet.clusterName,
      MYELIN_ECS_SERVICES: fleet.servicesJson,
      MYELIN_MIN_PER_ZONE: String(brokersPerZone.min),
      MYELIN_MAX_PER_ZONE: String(brokersPerZone.max),
      MYELIN_SLEEP_WHEN_IDLE: String(sleepsWhenIdle),
    };
    for (const [name, value] of Object.entries(environment)) reconcile.addEnvironment(name, value);
    grantFleet(role, fleet);
    const scheduler = new Role(this, "Scheduler", {
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    });
    const schedules = [
      { id: "ReconcileSchedule", period: Duration.minutes(1), task: this.reconcile },
      { id: "MaintainSchedule", period: Duration.minutes(5), task: this.maintain },
    ];
    for (const { id, period, task } of schedules) {
      task.function.configureAsyncInvoke(doneOnce);
      acknowledge(task, {
        "Serverless-LambdaAsyncFailureDestination":
          "Its alarms tell of failures, and the next run does what this one left.",
      });
      new Schedule(this, id, {
        schedule: ScheduleExpression.rate(period),
        target: new LambdaInvoke(task.function, { role: scheduler, ...doneOnce }),
      }).node.addDependency(...fleet.services.map(({ service }) => service));
      acknowledgeWildcard(
        scheduler,
        `${shownArn(task.function)}:*`,
        "It may call any version of the functions that it is for.",
      );
    }
  }
}
