// Where a cell's brokers run, as the AWS CLI says.
import { askAws, isList, isObject, isText } from "./aws-answer.ts";

export type EcsOptions = {
  /** The ECS cluster of the brokers, as the stack's outputs name it. */
  readonly cluster: string;
  /** Of the cluster; the AWS CLI's own if null. */
  readonly region: string | null;
  /** Name of the AWS CLI, or where it lies. */
  readonly aws?: string;
};

/** A broker's task that runs. */
export type BrokerTask = { readonly host: string; readonly target: string };

type ListedTasks = { taskArns: string[] };

type DescribedTask = {
  taskArn: string;
  lastStatus: string;
  attachments?: { details: { name: string; value?: string }[] }[];
  containers?: { name: string; runtimeId?: string }[];
};

type DescribedTasks = { tasks: DescribedTask[] };

const isListed = (said: unknown): said is ListedTasks =>
  isObject(said) && isList(said["taskArns"], isText);

const isDetail = (said: unknown): said is { name: string; value?: string } =>
  isObject(said) && isText(said["name"]);

const isAttachment = (said: unknown): said is { details: { name: string; value?: string }[] } =>
  isObject(said) && isList(said["details"], isDetail);

const isContainer = (said: unknown): said is { name: string; runtimeId?: string } =>
  isObject(said) && isText(said["name"]);

const isTask = (said: unknown): said is DescribedTask =>
  isObject(said) &&
  isText(said["taskArn"]) &&
  isText(said["lastStatus"]) &&
  isList(said["attachments"] ?? [], isAttachment) &&
  isList(said["containers"] ?? [], isContainer);

const isDescribed = (said: unknown): said is DescribedTasks =>
  isObject(said) && isList(said["tasks"], isTask);

/** What ECS describes in one call. */
const tasksPerCall = 100;

/** The brokers that run now. What it gives throws SessionError. */
export function createTaskList(options: EcsOptions): () => Promise<BrokerTask[]> {
  const { cluster, region, aws = "aws" } = options;
  const place = region === null ? [] : ["--region", region];

  const ask = <Answer>(args: readonly string[], isAnswer: (said: unknown) => said is Answer) =>
    askAws(aws, [...args, "--cluster", cluster, ...place, "--output", "json"], isAnswer);

  return async () => {
    const { taskArns } = await ask(["ecs", "list-tasks"], isListed);
    const found: BrokerTask[] = [];
    for (let at = 0; at < taskArns.length; at += tasksPerCall) {
      const some = taskArns.slice(at, at + tasksPerCall);
      const described = await ask(["ecs", "describe-tasks", "--tasks", ...some], isDescribed);
      found.push(...described.tasks.flatMap((task) => brokerOf(task, cluster) ?? []));
    }
    return found;
  };
}

function brokerOf(
  { attachments = [], containers = [], ...task }: DescribedTask,
  cluster: string,
): BrokerTask | null {
  const details = attachments.flatMap((each) => each.details);
  const host = details.find(({ name }) => name === "privateIPv4Address")?.value;
  const runtimeId = containers.find(({ name }) => name === "broker")?.runtimeId;
  if (task.lastStatus !== "RUNNING" || host === undefined || runtimeId === undefined) return null;
  const taskId = task.taskArn.slice(task.taskArn.lastIndexOf("/") + 1);
  return { host, target: `ecs:${cluster}_${taskId}_${runtimeId}` };
}
