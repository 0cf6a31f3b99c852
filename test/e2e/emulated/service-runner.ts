import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DescribeServicesCommand } from "@aws-sdk/client-ecs";
import type { ECSClient } from "@aws-sdk/client-ecs";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Emulator } from "./emulator.ts";
import { account, region } from "./emulator.ts";
import type { Task } from "./task.ts";
import { isProtected, newTask } from "./task.ts";
import { startTaskMetadata } from "./task-metadata.ts";
import { startTask } from "./task-process.ts";

export type ServiceRunnerOptions = {
  /** The emulator's own: what services want. */
  readonly ecs: ECSClient;
  readonly s3: S3Client;
  readonly emulator: Emulator;
  /** Filled here: also those that have ended stay in it. */
  readonly tasks: Task[];
  /** One for each task that may run at a time. */
  readonly hosts: readonly string[];
  readonly directory: string;
  readonly say: (line: string) => void;
  /** Which of a service that has too many goes; as in ECS none that is protected is asked about. The newest by default. */
  readonly choose?: (free: readonly Task[]) => Promise<Task>;
};

/** Does for one cell what the emulator's ECS does not: runs as many brokers as each service wants, and starts one anew that has ended by itself. */
export type ServiceRunner = {
  /** Nothing is started or stopped from here on; what runs goes on. */
  rest(): Promise<void>;
  /** As StopTask does: it says SIGTERM, and the task is another one's to replace. */
  stop(task: Task): void;
  close(): Promise<void>;
};

type Service = { readonly cluster: string; readonly zone: string; readonly name: string };
type Wanted = { readonly count: number; readonly taskDefinition: string; readonly isGone: boolean };

const lookMs = 500;
/** The stop time-out of the task definition, after which ECS says SIGKILL. */
const stopTimeoutMs = 120_000;

export async function startServiceRunner(options: ServiceRunnerOptions): Promise<ServiceRunner> {
  const { tasks, say, directory, hosts } = options;
  const choose = options.choose ?? ((free) => Promise.resolve(newestOf(free)));
  const metadata = await startTaskMetadata(() => tasks);
  const resting = new AbortController();
  const starting = new Set<Promise<void>>();
  const known = new Map<string, Service>();

  async function run(task: Task): Promise<void> {
    const { taskArn, host, taskDefinition, serviceName } = task;
    const broker = await startTask({
      ...options,
      taskDefinition,
      directory: join(directory, taskArn.split("/").at(-1) ?? ""),
      environment: {
        ...metadata.environmentOf(task),
        MYELIN_LISTEN_HOST: host,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: account,
        AWS_SECRET_ACCESS_KEY: "local",
      },
    });
    task.broker = broker;
    say(`${serviceName}: a broker starts at ${host}:9092 (pid ${broker.pid})`);
    broker.whenSaid("the broker is up").then(
      () => say(`${serviceName}: the broker at ${host} is up`),
      (error: unknown) => say(`${serviceName}: ${String(error)}`),
    );
    void broker.ended.then((code) => {
      say(`${serviceName}: the broker at ${host} ended with ${code}`);
      task.desiredStatus = "STOPPED";
      task.lastStatus = "STOPPED";
    });
    task.lastStatus = "RUNNING";
    // It was not wanted any more before it ran.
    if (task.desiredStatus === "STOPPED") stop(task);
  }

  function start({ cluster, zone, name }: Service, taskDefinition: string): void {
    const host = freeHost(hosts, tasks);
    if (host === undefined) return say(`${name}: no address is left for another broker`);
    const arn = `arn:aws:ecs:${region}:${account}`;
    const task = newTask({
      taskArn: `${arn}:task/${cluster}/${randomBytes(16).toString("hex")}`,
      clusterArn: `${arn}:cluster/${cluster}`,
      serviceName: name,
      taskDefinition,
      zone,
      host,
    });
    tasks.push(task);
    const begun = run(task).catch((error: unknown) => {
      say(`${name}: ${String(error)}`);
      task.desiredStatus = "STOPPED";
      task.lastStatus = "STOPPED";
    });
    starting.add(begun);
    void begun.finally(() => starting.delete(begun));
  }

  function stop(task: Task): void {
    task.desiredStatus = "STOPPED";
    if (task.broker === null || task.lastStatus === "STOPPED") return;
    const { broker } = task;
    task.lastStatus = "STOPPING";
    void broker.stop();
    const killing = setTimeout(() => void broker.stop("SIGKILL"), stopTimeoutMs);
    void broker.ended.finally(() => clearTimeout(killing));
  }

  /** As many as are wanted, of the definition that is wanted. */
  async function follow(service: Service, { count, taskDefinition, isGone }: Wanted) {
    const own = (): Task[] =>
      tasks.filter(
        ({ serviceName, desiredStatus }) =>
          serviceName === service.name && desiredStatus === "RUNNING",
      );
    const isFree = (task: Task): boolean => isGone || !isProtected(task);
    for (const task of own())
      if (task.taskDefinition !== taskDefinition && isFree(task)) stop(task);
    while (own().length > count) {
      const free = own().filter(isFree);
      if (free.length === 0) return;
      stop(await choose(free));
    }
    while (own().length < count) {
      const before = tasks.length;
      start(service, taskDefinition);
      if (tasks.length === before) return;
    }
  }

  async function look(): Promise<void> {
    for (const service of await servicesOf(options.emulator)) known.set(service.name, service);
    // Also those whose stack is gone by now.
    for (const service of known.values())
      await follow(service, await wantedOf(options.ecs, service));
  }

  async function keepLooking(): Promise<void> {
    while (!resting.signal.aborted) {
      await look().catch((error: unknown) => say(`services cannot be followed: ${String(error)}`));
      await sleep(lookMs, undefined, { signal: resting.signal }).catch(() => undefined);
    }
  }
  const looking = keepLooking();

  async function rest(): Promise<void> {
    resting.abort();
    await looking;
    await Promise.all(starting);
  }

  return {
    rest,
    stop,
    async close() {
      await rest();
      const brokers = tasks.flatMap(({ broker }) => broker ?? []);
      await Promise.all(brokers.map((broker) => broker.stop("SIGKILL")));
      await metadata.close();
    },
  };
}

/** Of the free ones that which was free for longest, as a network gives them: one that ended a moment ago may still be taken for there. */
function freeHost(hosts: readonly string[], tasks: readonly Task[]): string | undefined {
  const taken = new Set(
    tasks.flatMap(({ lastStatus, host }) => (lastStatus === "STOPPED" ? [] : [host])),
  );
  const usedAt = new Map(tasks.map(({ host }, index) => [host, index]));
  const free = hosts.filter((each) => !taken.has(each));
  return free.sort((a, b) => (usedAt.get(a) ?? -1) - (usedAt.get(b) ?? -1))[0];
}

function newestOf(tasks: readonly Task[]): Task {
  const [newest] = tasks.toSorted((a, b) => b.createdAtMs - a.createdAtMs);
  if (newest === undefined) throw new Error("there is none to choose from");
  return newest;
}

/** As the deployed reconcile function is told; none while there is none. */
async function servicesOf(emulator: Emulator): Promise<Service[]> {
  const answer = await emulator.fetch("lambda")(`${emulator.endpoint}/2015-03-31/functions/`);
  type Listed = { Functions: { Environment?: { Variables?: Record<string, string> } }[] };
  const { Functions } = (await answer.json()) as Listed;
  for (const { Environment: { Variables = {} } = {} } of Functions) {
    const { MYELIN_ECS_SERVICES: services, MYELIN_ECS_CLUSTER: cluster } = Variables;
    if (services === undefined || cluster === undefined) continue;
    const named = Object.entries(JSON.parse(services) as Record<string, string>);
    return named.map(([zone, name]) => ({ cluster, zone, name }));
  }
  return [];
}

async function wantedOf(ecs: ECSClient, { cluster, name }: Service): Promise<Wanted> {
  const gone = { count: 0, taskDefinition: "", isGone: true };
  try {
    const asked = new DescribeServicesCommand({ cluster, services: [name] });
    const { services = [] } = await ecs.send(asked);
    const [{ status, taskDefinition = "", desiredCount = 0 } = {}] = services;
    return status === "ACTIVE" ? { count: desiredCount, taskDefinition, isGone: false } : gone;
  } catch (error) {
    if ((error as Error).name === "ClusterNotFoundException") return gone;
    throw error;
  }
}
