import type { BrokerContainer } from "../../support/broker-container.ts";

/** A task as ECS tells of it, and the process that is it. */
export type Task = {
  readonly taskArn: string;
  readonly clusterArn: string;
  readonly serviceName: string;
  readonly taskDefinition: string;
  readonly zone: string;
  /** The address of its network interface. */
  readonly host: string;
  readonly createdAtMs: number;
  desiredStatus: "RUNNING" | "STOPPED";
  lastStatus: "PENDING" | "RUNNING" | "STOPPING" | "STOPPED";
  /** Until then ECS does not choose it for a stop. */
  protectedUntilMs: number | null;
  broker: BrokerContainer | null;
};

type TaskPlace = Pick<
  Task,
  "taskArn" | "clusterArn" | "serviceName" | "taskDefinition" | "zone" | "host"
>;

/** Yet to be run. */
export const newTask = (place: TaskPlace): Task => ({
  ...place,
  createdAtMs: Date.now(),
  desiredStatus: "RUNNING",
  lastStatus: "PENDING",
  protectedUntilMs: null,
  broker: null,
});

export function isProtected({ protectedUntilMs }: Task): boolean {
  return protectedUntilMs !== null && protectedUntilMs > Date.now();
}

/** It is to run, and does. */
export function isRunning({ desiredStatus, lastStatus }: Task): boolean {
  return desiredStatus === "RUNNING" && lastStatus === "RUNNING";
}

/** The id that its broker has in the cell; NaN before it is up. */
export function brokerIn({ broker }: Task): number {
  const up = broker?.lines().find(({ msg }) => msg === "the broker is up");
  return Number(up?.["broker"]);
}

/** Its exit code; null where a signal ended it. */
export async function endOf({ broker, taskArn }: Task): Promise<number | null> {
  if (broker === null) throw new Error(`${taskArn} was never run`);
  return broker.ended;
}

/** Null: no longer. */
export function protect(task: Task, minutes: number | null): void {
  task.protectedUntilMs = minutes === null ? null : Date.now() + minutes * 60_000;
}

/** As an ARN names it, and as the end of one does. */
export function taskNamed(tasks: readonly Task[], name: string): Task | undefined {
  return tasks.find(({ taskArn }) => taskArn === name || taskArn.endsWith(`/${name}`));
}

/** What DescribeTasks says of it. */
export function described(task: Task): Record<string, unknown> {
  const { taskArn, clusterArn, serviceName, taskDefinition, zone, host } = task;
  const details = [{ name: "privateIPv4Address", value: host }];
  return {
    taskArn,
    clusterArn,
    taskDefinitionArn: taskDefinition,
    group: `service:${serviceName}`,
    launchType: "FARGATE",
    availabilityZone: zone,
    createdAt: task.createdAtMs / 1_000,
    desiredStatus: task.desiredStatus,
    lastStatus: task.lastStatus,
    attachments: [{ type: "ElasticNetworkInterface", status: "ATTACHED", details }],
  };
}

/** What calls about its protection say, with the expiry in ECS's seconds. */
export function protectionOf(task: Task): Record<string, unknown> {
  const { taskArn, protectedUntilMs } = task;
  const protectionEnabled = isProtected(task);
  return protectionEnabled
    ? { taskArn, protectionEnabled, expirationDate: (protectedUntilMs ?? 0) / 1_000 }
    : { taskArn, protectionEnabled };
}
