// Runs the broker of a task definition as a process: what ECS would do with it, but for the image and the kernel's walls between containers.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DescribeTaskDefinitionCommand } from "@aws-sdk/client-ecs";
import type { ContainerDefinition, ECSClient } from "@aws-sdk/client-ecs";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import type { BrokerContainer } from "../../support/broker-container.ts";
import { startBrokerContainer } from "../../support/broker-container.ts";

export type TaskOptions = {
  readonly ecs: ECSClient;
  readonly s3: S3Client;
  readonly taskDefinition: string;
  /** The task's disk: each of its volumes is a directory in it. */
  readonly directory: string;
  /** What ECS and the host add: where the task is, credentials of its role, the address of its network interface. */
  readonly environment: Record<string, string>;
};

export async function startTask(options: TaskOptions): Promise<BrokerContainer> {
  const containers = await containersOf(options);
  const fetcher = containerNamed(containers, "code");
  const broker = containerNamed(containers, "broker");
  const mounts = mountsOf(broker, options.directory);
  for (const directory of Object.values(mounts)) mkdirSync(directory, { recursive: true });
  const mounted = (text: string): string =>
    Object.entries(mounts).reduce(
      (before, [path, directory]) =>
        before.replaceAll(new RegExp(`${path}(?=[/\\s']|$)`, "g"), directory),
      text,
    );
  await fetchCode(fetcher, options.s3, mounted);
  const environment = Object.fromEntries(
    (broker.environment ?? []).map(({ name = "", value = "" }) => [name, mounted(value)]),
  );
  return startBrokerContainer(
    { ...environment, ...options.environment },
    (broker.command ?? []).map(mounted),
  );
}

async function containersOf({ ecs, taskDefinition }: TaskOptions): Promise<ContainerDefinition[]> {
  const described = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }));
  return described.taskDefinition?.containerDefinitions ?? [];
}

function containerNamed(
  containers: readonly ContainerDefinition[],
  name: string,
): ContainerDefinition {
  const found = containers.find((each) => each.name === name);
  if (found === undefined) throw new Error(`the task has no container ${name}`);
  return found;
}

function mountsOf(
  { mountPoints = [] }: ContainerDefinition,
  directory: string,
): Record<string, string> {
  return Object.fromEntries(
    mountPoints.map(({ containerPath = "", sourceVolume = "" }) => [
      containerPath,
      join(directory, sourceVolume),
    ]),
  );
}

/** What the first container's command does with the AWS command line: `aws s3 cp s3://bucket/key file`. */
async function fetchCode(
  { command = [] }: ContainerDefinition,
  s3: S3Client,
  mounted: (text: string) => string,
): Promise<void> {
  const text = command.join(" ");
  const [, Bucket = "", Key = "", file = ""] =
    /aws s3 cp \S*\s*'s3:\/\/([^/]+)\/([^']+)' (\S+)/.exec(text) ?? [];
  if (file === "") throw new Error(`what does the container do? ${text}`);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  writeFileSync(mounted(file), (await Body?.transformToByteArray()) ?? new Uint8Array());
}
