// Where a cell's brokers run, as the AWS CLI says.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { reasonOf, SessionError } from "./session-error.ts";

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

type DescribedTasks = {
  tasks: {
    taskArn: string;
    lastStatus: string;
    attachments: { details: { name: string; value: string }[] }[];
    containers: { name: string; runtimeId?: string }[];
  }[];
};

const run = promisify(execFile);
const callLimitMs = 30_000;
const maxAnswerBytes = 16 * 1024 * 1024;
/** What ECS describes in one call. */
const tasksPerCall = 100;

/** The brokers that run now. What it gives throws SessionError. */
export function createTaskList(options: EcsOptions): () => Promise<BrokerTask[]> {
  const { cluster, region, aws = "aws" } = options;
  const place = region === null ? [] : ["--region", region];

  async function ask<Answer>(...args: string[]): Promise<Answer> {
    try {
      const { stdout } = await run(
        aws,
        [...args, "--cluster", cluster, ...place, "--output", "json"],
        {
          timeout: callLimitMs,
          maxBuffer: maxAnswerBytes,
        },
      );
      return JSON.parse(stdout) as Answer;
    } catch (error) {
      throw new SessionError(reasonOf(error, aws), { cause: error });
    }
  }

  return async () => {
    const { taskArns } = await ask<{ taskArns: string[] }>("ecs", "list-tasks");
    const found: BrokerTask[] = [];
    for (let at = 0; at < taskArns.length; at += tasksPerCall) {
      const some = taskArns.slice(at, at + tasksPerCall);
      const described = await ask<DescribedTasks>("ecs", "describe-tasks", "--tasks", ...some);
      found.push(...described.tasks.flatMap((task) => brokerOf(task, cluster) ?? []));
    }
    return found;
  };
}

function brokerOf(task: DescribedTasks["tasks"][number], cluster: string): BrokerTask | null {
  const details = task.attachments.flatMap((each) => each.details);
  const host = details.find(({ name }) => name === "privateIPv4Address")?.value;
  const runtimeId = task.containers.find(({ name }) => name === "broker")?.runtimeId;
  if (task.lastStatus !== "RUNNING" || host === undefined || runtimeId === undefined) return null;
  const taskId = task.taskArn.slice(task.taskArn.lastIndexOf("/") + 1);
  return { host, target: `ecs:${cluster}_${taskId}_${runtimeId}` };
}
