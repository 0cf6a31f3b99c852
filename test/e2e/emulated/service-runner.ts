import { join } from "node:path";
import { DescribeServicesCommand } from "@aws-sdk/client-ecs";
import type { ECSClient } from "@aws-sdk/client-ecs";
import type { S3Client } from "@aws-sdk/client-s3";
import type { BrokerContainer } from "../../support/broker-container.ts";
import type { Emulator } from "./emulator.ts";
import { account, region } from "./emulator.ts";
import type { TaskMetadata } from "./task-metadata.ts";
import { startTaskMetadata } from "./task-metadata.ts";
import { startTask } from "./task-process.ts";

export type ServiceRunnerOptions = {
  readonly ecs: ECSClient;
  readonly s3: S3Client;
  readonly emulator: Emulator;
  /** An address for the broker of each zone. */
  readonly hosts: readonly string[];
  readonly directory: string;
  readonly say: (line: string) => void;
};

/** Does for one cell what the emulator's ECS does not: runs a broker for each service that wants one. */
export type ServiceRunner = {
  /** Starts and stops what the services want by now. */
  look(): Promise<void>;
  close(): Promise<void>;
};

type Running = { readonly broker: BrokerContainer; readonly taskDefinition: string };
type Fleet = { readonly cluster: string; readonly services: [zone: string, service: string][] };

export async function createServiceRunner(options: ServiceRunnerOptions): Promise<ServiceRunner> {
  const { ecs, s3, emulator, hosts, directory, say } = options;
  const running = new Map<string, Running>();
  let metadata: TaskMetadata | null = null;
  let life = 0;

  /** As the deployed reconcile function is told. */
  async function fleet(): Promise<Fleet | null> {
    const url = `${emulator.endpoint}/2015-03-31/functions/`;
    const answer = await emulator.fetch("lambda")(url);
    type Listed = { Functions: { Environment?: { Variables?: Record<string, string> } }[] };
    const { Functions } = (await answer.json()) as Listed;
    for (const { Environment: { Variables = {} } = {} } of Functions) {
      const { MYELIN_ECS_SERVICES: services, MYELIN_ECS_CLUSTER: cluster } = Variables;
      if (services === undefined || cluster === undefined) continue;
      return { cluster, services: Object.entries(JSON.parse(services) as Record<string, string>) };
    }
    return null;
  }

  async function start(index: number, service: string, wanted: Wanted): Promise<void> {
    const host = hosts[index] ?? "";
    const broker = await startTask({
      ecs,
      s3,
      cluster: wanted.cluster,
      service,
      directory: join(directory, `task-${life++}`),
      environment: {
        ...metadata?.environmentOf(index),
        MYELIN_LISTEN_HOST: host,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: account,
        AWS_SECRET_ACCESS_KEY: "local",
      },
    });
    running.set(service, { broker, taskDefinition: wanted.taskDefinition });
    say(`${service}: a broker starts at ${host}:9092 (pid ${broker.pid})`);
    broker.whenSaid("the broker is up").then(
      () => say(`${service}: it is up`),
      (error: unknown) => say(`${service}: ${String(error)}`),
    );
    void broker.ended.then((code) => {
      say(`${service}: its broker ended with ${code}`);
      if (running.get(service)?.broker === broker) running.delete(service);
    });
  }

  type Wanted = { cluster: string; taskDefinition: string; count: number };

  async function wantedOf(cluster: string, service: string): Promise<Wanted | null> {
    const asked = new DescribeServicesCommand({ cluster, services: [service] });
    const { services = [] } = await ecs.send(asked);
    const [found] = services;
    const { taskDefinition = "", desiredCount = 0 } = found ?? {};
    return found?.status === "ACTIVE" ? { cluster, taskDefinition, count: desiredCount } : null;
  }

  return {
    async look() {
      const found = await fleet();
      metadata ??=
        found === null
          ? null
          : await startTaskMetadata(
              found.services.map(([zone], index) => ({ zone, host: hosts[index] ?? "" })),
            );
      for (const [index, [, service]] of (found?.services ?? []).entries()) {
        const wanted = await wantedOf(found?.cluster ?? "", service);
        const now = running.get(service);
        const isRight = now?.taskDefinition === wanted?.taskDefinition;
        if (now !== undefined && (wanted === null || wanted.count === 0 || !isRight)) {
          await now.broker.stop();
        } else if (now === undefined && wanted !== null && wanted.count > 0) {
          await start(index, service, wanted);
        }
      }
    },
    async close() {
      await Promise.all([...running.values()].map(({ broker }) => broker.stop("SIGKILL")));
      await metadata?.close();
    },
  };
}
