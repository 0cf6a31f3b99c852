// The services that run a cell's brokers, as ECS has them.
import {
  DescribeServicesCommand,
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  UpdateServiceCommand,
  UpdateTaskProtectionCommand,
} from "@aws-sdk/client-ecs";
import type { Service, Task } from "@aws-sdk/client-ecs";

export type EcsFleetOptions = {
  readonly client: Pick<ECSClient, "send">;
  readonly cluster: string;
  /** Zone -> name of its service. */
  readonly services: Readonly<Record<string, string>>;
};

/** ECS does not have what the deployment named, or would not do what it was asked for. */
export class EcsFleetError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "EcsFleetError";
  }
}

type BrokerTask = { taskArn: string; host: string | null; isRunning: boolean };
type ZoneService = {
  zone: string;
  serviceName: string;
  desiredCount: number;
  tasks: BrokerTask[];
  isDeploying: boolean;
};

export type EcsFleet = {
  read(): Promise<ZoneService[]>;
  setDesiredCount(serviceName: string, count: number): Promise<void>;
  keep(taskArns: readonly string[], minutes: number): Promise<void>;
  free(taskArns: readonly string[]): Promise<void>;
};

/** Bounds of the calls, per request. */
const servicesPerCall = 10;
const tasksPerDescription = 100;
const tasksPerProtection = 10;

export function createEcsClient(options: { region: string }): ECSClient {
  return new ECSClient(options);
}

/** Its calls throw what the SDK throws, and EcsFleetError. */
export function createEcsFleet(options: EcsFleetOptions): EcsFleet {
  const { client, cluster } = options;
  return {
    read: () => readServices(options),
    async setDesiredCount(service, desiredCount) {
      await client.send(new UpdateServiceCommand({ cluster, service, desiredCount }));
    },
    async keep(taskArns, minutes) {
      for (const tasks of chunks(taskArns, tasksPerProtection))
        await protect(options, tasks, minutes);
    },
    async free(taskArns) {
      // A failure is of a task that is not there any more, or not yet: no protection is in the way.
      for (const tasks of chunks(taskArns, tasksPerProtection)) {
        const protectionEnabled = false;
        await client.send(new UpdateTaskProtectionCommand({ cluster, tasks, protectionEnabled }));
      }
    },
  };
}

async function readServices(options: EcsFleetOptions): Promise<ZoneService[]> {
  const found = await describeServices(options);
  const zones = Object.entries(options.services);
  return Promise.all(
    zones.map(async ([zone, serviceName]) => {
      const service = found.get(serviceName);
      if (service === undefined || service.status === "INACTIVE")
        throw new EcsFleetError(`cluster ${options.cluster} has no service ${serviceName}`);
      return {
        zone,
        serviceName,
        desiredCount: service.desiredCount ?? 0,
        tasks: await tasksOf(options, serviceName),
        isDeploying: isDeploying(service),
      };
    }),
  );
}

/** By name. */
async function describeServices(options: EcsFleetOptions): Promise<Map<string, Service>> {
  const { client, cluster } = options;
  const found = new Map<string, Service>();
  for (const services of chunks(Object.values(options.services), servicesPerCall)) {
    const answer = await client.send(new DescribeServicesCommand({ cluster, services }));
    for (const service of answer.services ?? []) found.set(service.serviceName ?? "", service);
  }
  return found;
}

/** Those that ECS means to have run. */
async function tasksOf(
  { client, cluster }: EcsFleetOptions,
  serviceName: string,
): Promise<BrokerTask[]> {
  const arns: string[] = [];
  let nextToken: string | undefined;
  do {
    const wanted = { cluster, serviceName, desiredStatus: "RUNNING" as const };
    const page = await client.send(
      new ListTasksCommand(nextToken === undefined ? wanted : { ...wanted, nextToken }),
    );
    arns.push(...(page.taskArns ?? []));
    ({ nextToken } = page);
  } while (nextToken !== undefined);
  const tasks: BrokerTask[] = [];
  for (const each of chunks(arns, tasksPerDescription)) {
    const answer = await client.send(new DescribeTasksCommand({ cluster, tasks: each }));
    tasks.push(...(answer.tasks ?? []).map(taskOf));
  }
  return tasks;
}

async function protect(
  { client, cluster }: EcsFleetOptions,
  tasks: string[],
  expiresInMinutes: number,
): Promise<void> {
  const { failures = [] } = await client.send(
    new UpdateTaskProtectionCommand({ cluster, tasks, protectionEnabled: true, expiresInMinutes }),
  );
  const [failure] = failures;
  if (failure === undefined) return;
  const { arn, reason, detail } = failure;
  throw new EcsFleetError(`ECS does not protect ${arn}: ${reason} ${detail ?? ""}`);
}

/** A rolled deployment has its predecessor beside it until it is done. */
function isDeploying({ deployments = [] }: Service): boolean {
  return (
    deployments.length > 1 || deployments.some(({ rolloutState }) => rolloutState === "FAILED")
  );
}

function taskOf({ taskArn = "", lastStatus, attachments = [] }: Task): BrokerTask {
  const details = attachments.flatMap((attachment) => attachment.details ?? []);
  const host = details.find(({ name }) => name === "privateIPv4Address")?.value ?? null;
  return { taskArn, host, isRunning: lastStatus === "RUNNING" };
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}
